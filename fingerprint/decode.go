package fingerprint

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
)

// maxDocument bounds the JSON form of a profile in bytes; the largest built-in
// one has about 60 KiB.
const maxDocument = 4 << 20

// A FieldError says which field of a Profile, or of its JSON form, is wrong.
type FieldError struct {
	Path    string // "tls.extensions[3].id"; empty: the document as a whole
	Problem string // what is wrong with it, in words
	Err     error  // the cause, if there is one
}

func (e *FieldError) Error() string {
	if e.Path == "" {
		return "profile: " + e.Problem
	}
	return "profile: " + e.Path + ": " + e.Problem
}

// Unwrap returns the cause.
func (e *FieldError) Unwrap() error { return e.Err }

// decode reads the JSON document b into the struct that into points to. Unlike
// encoding/json it takes field names exactly, refuses unknown, repeated and null
// fields, and every error carries the path of the field.
func decode(b []byte, into any) error {
	if len(b) > maxDocument {
		return &FieldError{Problem: fmt.Sprintf("%d bytes, more than %d", len(b), maxDocument)}
	}
	d := decoder{json.NewDecoder(bytes.NewReader(b))}
	d.UseNumber()
	if err := d.value(reflect.ValueOf(into).Elem(), ""); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return &FieldError{Problem: fmt.Sprintf("more after the document, at byte %d", d.InputOffset())}
	}
	return nil
}

type decoder struct{ *json.Decoder }

// value decodes the next JSON value into v, whose path is path.
func (d decoder) value(v reflect.Value, path string) error {
	t, err := d.token(path)
	if err != nil {
		return err
	}
	return d.fill(v, t, path)
}

func (d decoder) fill(v reflect.Value, t json.Token, path string) error {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		return d.fill(v.Elem(), t, path)
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		s, ok := t.(string)
		if !ok {
			return mismatch(path, t, "a string")
		}
		if err := u.UnmarshalText([]byte(s)); err != nil {
			return &FieldError{Path: path, Problem: err.Error(), Err: err}
		}
		return nil
	}
	switch v.Kind() {
	case reflect.Struct:
		return d.object(v, t, path)
	case reflect.Slice:
		return d.array(v, t, path)
	case reflect.String:
		s, ok := t.(string)
		if !ok {
			return mismatch(path, t, "a string")
		}
		v.SetString(s)
	case reflect.Bool:
		b, ok := t.(bool)
		if !ok {
			return mismatch(path, t, "true or false")
		}
		v.SetBool(b)
	default:
		return number(v, t, path)
	}
	return nil
}

func (d decoder) object(v reflect.Value, t json.Token, path string) error {
	if t != json.Delim('{') {
		return mismatch(path, t, "an object")
	}
	seen := make([]bool, v.NumField())
	for {
		t, err := d.token(path)
		if err != nil {
			return err
		}
		name, ok := t.(string)
		if !ok {
			return nil // the closing brace: the decoder keeps the syntax
		}
		at := join(path, name)
		i := fieldNamed(v.Type(), name)
		if i < 0 {
			return &FieldError{Path: at, Problem: "unknown field"}
		}
		if seen[i] {
			return &FieldError{Path: at, Problem: "given twice"}
		}
		seen[i] = true
		if err := d.value(v.Field(i), at); err != nil {
			return err
		}
	}
}

func (d decoder) array(v reflect.Value, t json.Token, path string) error {
	if t != json.Delim('[') {
		return mismatch(path, t, "an array")
	}
	v.SetLen(0)
	for i := 0; ; i++ {
		at := path + "[" + strconv.Itoa(i) + "]"
		t, err := d.token(at)
		if err != nil {
			return err
		}
		if t == json.Delim(']') {
			return nil
		}
		element := reflect.New(v.Type().Elem()).Elem()
		if err := d.fill(element, t, at); err != nil {
			return err
		}
		v.Set(reflect.Append(v, element))
	}
}

func (d decoder) token(path string) (json.Token, error) {
	t, err := d.Token()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, &FieldError{Path: path, Err: err,
			Problem: fmt.Sprintf("not JSON at byte %d: %v", d.InputOffset(), err)}
	}
	return t, nil
}

func number(v reflect.Value, t json.Token, path string) error {
	n, ok := t.(json.Number)
	if !ok {
		return mismatch(path, t, "a number")
	}
	if v.CanUint() {
		u, err := strconv.ParseUint(n.String(), 10, v.Type().Bits())
		if err != nil {
			return mismatch(path, t, fmt.Sprintf("a whole number of at most %d bits", v.Type().Bits()))
		}
		v.SetUint(u)
		return nil
	}
	i, err := strconv.ParseInt(n.String(), 10, v.Type().Bits())
	if err != nil {
		return mismatch(path, t, "a whole number")
	}
	v.SetInt(i)
	return nil
}

func mismatch(path string, got json.Token, want string) error {
	var is string
	switch g := got.(type) {
	case nil:
		is = "null"
	case json.Delim:
		is = "an object"
		if g == '[' {
			is = "an array"
		}
	case string:
		is = strconv.Quote(g)
	default:
		is = fmt.Sprint(g)
	}
	return &FieldError{Path: path, Problem: is + " is not " + want}
}

// fieldNamed returns the index of the field of struct type t whose JSON name is
// exactly name, or -1.
func fieldNamed(t reflect.Type, name string) int {
	for i := range t.NumField() {
		tag, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if tag == name {
			return i
		}
	}
	return -1
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
