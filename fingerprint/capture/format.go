package capture

import (
	"bytes"
	"encoding/json"

	fp "github.com/mien-http/mien/fingerprint"
)

// lineWidth is the longest value that stands on one line if it can be split.
const lineWidth = 170

// Format returns p as a JSON document for people: one header field to a line.
// [fingerprint.Parse] reads it back.
func Format(p *fp.Profile) ([]byte, error) {
	b, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := layout(&out, b, "", false); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// layout writes one JSON value: on one line if it is short or has no parts that
// could be split. The members of an object in an array stand behind each other.
func layout(out *bytes.Buffer, value json.RawMessage, indent string, inArray bool) error {
	line, parts, err := oneLine(value)
	if err != nil {
		return err
	}
	if len(line) <= lineWidth || len(parts) == 0 || !nested(parts) {
		out.Write(line)
		return nil
	}
	open, end := value[0], byte('}')
	if open == '[' {
		end = ']'
	}
	out.WriteByte(open)
	inLine := inArray && open == '{'
	for i, p := range parts {
		if i > 0 {
			out.WriteByte(',')
		}
		switch {
		case !inLine:
			out.WriteString("\n" + indent + "  ")
		case i > 0:
			out.WriteByte(' ')
		}
		if p.key != nil {
			out.Write(p.key)
			out.WriteString(": ")
		}
		deeper := indent + "  "
		if inLine {
			deeper = indent
		}
		if err := layout(out, p.value, deeper, open == '['); err != nil {
			return err
		}
	}
	if !inLine {
		out.WriteString("\n" + indent)
	}
	out.WriteByte(end)
	return nil
}

// part is a member of an object, or an element of an array.
type jsonPart struct {
	key   []byte // quoted; nil in an array
	value json.RawMessage
}

// nested reports whether a value that is too long for a line is split: if it has
// objects in it, or texts; not for a list of numbers or codes.
func nested(parts []jsonPart) bool {
	total := 0
	for _, p := range parts {
		if c := p.value[0]; c == '{' || c == '[' && bytes.IndexByte(p.value, '{') > 0 {
			return true
		}
		total += len(p.value)
	}
	return parts[0].key == nil && total > 40*len(parts)
}

// oneLine returns a value with spaces behind commas and colons, and its parts.
func oneLine(value json.RawMessage) ([]byte, []jsonPart, error) {
	value = bytes.TrimSpace(value)
	if len(value) == 0 || value[0] != '{' && value[0] != '[' {
		return value, nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(value))
	if _, err := d.Token(); err != nil {
		return nil, nil, err
	}
	var parts []jsonPart
	out := []byte{value[0]}
	for d.More() {
		var p jsonPart
		if value[0] == '{' {
			key, err := d.Token()
			if err != nil {
				return nil, nil, err
			}
			if p.key, err = json.Marshal(key); err != nil {
				return nil, nil, err
			}
		}
		if err := d.Decode(&p.value); err != nil {
			return nil, nil, err
		}
		line, _, err := oneLine(p.value)
		if err != nil {
			return nil, nil, err
		}
		if len(parts) > 0 {
			out = append(out, ", "...)
		}
		if p.key != nil {
			out = append(append(out, p.key...), ": "...)
		}
		out = append(out, line...)
		parts = append(parts, p)
	}
	return append(out, value[len(value)-1]), parts, nil
}
