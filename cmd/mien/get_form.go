package main

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"mime"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mien-http/mien/fingerprint"
)

// formField is one part of a multipart form.
type formField struct {
	name, value string
	file        string // sent as a file; "-" is standard input
	textOf      string // its content is the value
	kind        string // Content-Type; "": the browser's choice
	filename    string
	named       bool // filename was given
}

// formFlag reads the forms of curl's -F.
type formFlag struct {
	into    *[]formField
	literal bool
}

func (f *formFlag) String() string { return "" }
func (f *formFlag) Type() string   { return "name=content" }

func (f *formFlag) Set(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return errors.New("the form is name=content, name=@FILE or name=<FILE")
	}
	field := formField{name: name, value: value}
	if f.literal {
		*f.into = append(*f.into, field)
		return nil
	}
	value, rest := cutAttributes(value)
	switch {
	case strings.HasPrefix(value, "@"):
		field.file, field.value = unquoted(value[1:]), ""
	case strings.HasPrefix(value, "<"):
		field.textOf, field.value = unquoted(value[1:]), ""
	default:
		field.value = unquoted(value)
	}
	if (strings.HasPrefix(value, "@") && field.file == "") || (strings.HasPrefix(value, "<") && field.textOf == "") {
		return errors.New("the file is missing")
	}
	for _, attribute := range rest {
		key, v, _ := strings.Cut(attribute, "=")
		switch v = unquoted(v); strings.ToLower(strings.TrimSpace(key)) {
		case "type":
			field.kind = v
		case "filename":
			field.filename, field.named = v, true
		default:
			return fmt.Errorf("%q is not known; ;type= and ;filename= are (a ; in the content is kept by --form-string)", strings.TrimSpace(key))
		}
	}
	if strings.ContainsAny(field.kind, "\r\n") {
		return errors.New("the type holds a line break")
	}
	*f.into = append(*f.into, field)
	return nil
}

// cutAttributes takes ";key=value" off the end of a value. A type may have
// parameters of its own.
func cutAttributes(value string) (string, []string) {
	var pieces []string
	quoted, from := false, 0
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case '\\':
			if quoted {
				i++ // the next stands for itself
			}
		case '"':
			quoted = !quoted
		case ';':
			if !quoted {
				pieces = append(pieces, value[from:i])
				from = i + 1
			}
		}
	}
	pieces = append(pieces, value[from:])
	var rest []string
	for _, p := range pieces[1:] {
		key, _, _ := strings.Cut(strings.TrimSpace(p), "=")
		if n := len(rest); n > 0 && strings.HasPrefix(rest[n-1], "type=") && key != "filename" {
			rest[n-1] += ";" + p
			continue
		}
		rest = append(rest, strings.TrimSpace(p))
	}
	return pieces[0], rest
}

// unquoted takes double quotes off, in which \" and \\ stand for themselves.
func unquoted(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(s[1 : len(s)-1])
}

// webkitAlphabet is what Chromium draws a boundary from (FormDataEncoder: 64
// characters, A and B twice).
const webkitAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789AB"

// boundary is one as p's browser draws it. The captures of both engines have this
// form.
func boundary(p *fingerprint.Profile) string {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	if p.Browser.Engine == "gecko" {
		return "----geckoformboundary" +
			strconv.FormatUint(binary.BigEndian.Uint64(random[:8]), 16) +
			strconv.FormatUint(binary.BigEndian.Uint64(random[8:]), 16)
	}
	for i := range random {
		random[i] = webkitAlphabet[random[i]%64]
	}
	return "----WebKitFormBoundary" + string(random[:])
}

// formName escapes a name as the HTML standard does (multipart/form-data encoding).
var formName = strings.NewReplacer("\r\n", "%0D%0A", "\r", "%0D", "\n", "%0A", `"`, "%22")

// multipart is the form as browsers write it (HTML standard, multipart form data;
// RFC 7578).
func (g *oneGet) multipart(boundary string) (*content, error) {
	c := &content{kind: "multipart/form-data; boundary=" + boundary}
	head := func(text string) { c.parts = append(c.parts, part{text: []byte(text)}) }
	for _, f := range g.o.form {
		disposition := "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + formName.Replace(f.name) + "\""
		var body part
		var err error
		switch {
		case f.file != "":
			if body, err = g.filePart("form", f.file); err != nil {
				return nil, err
			}
			if !f.named {
				f.filename, f.named = filepath.Base(f.file), true
			}
			if f.kind == "" {
				f.kind = fileType(f.filename)
			}
		case f.textOf != "":
			body, err = g.filePart("form", f.textOf)
		default:
			body.text = []byte(f.value)
		}
		if err != nil {
			return nil, err
		}
		if f.named {
			disposition += "; filename=\"" + formName.Replace(f.filename) + "\""
		}
		if f.kind != "" {
			disposition += "\r\nContent-Type: " + f.kind
		}
		head(disposition + "\r\n\r\n")
		c.parts = append(c.parts, body)
		head("\r\n")
	}
	head("--" + boundary + "--\r\n")
	return c, nil
}

// fileType is what a browser says of a file by its name's ending: no parameters.
func fileType(name string) string {
	kind, _, _ := strings.Cut(mime.TypeByExtension(strings.ToLower(filepath.Ext(name))), ";")
	if kind == "" {
		return "application/octet-stream"
	}
	return kind
}
