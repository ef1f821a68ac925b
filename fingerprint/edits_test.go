package fingerprint

import (
	"errors"
	"strings"
	"testing"
)

// edited is a profile made of chrome-156-linux by edits.
func edited(edits string) (*Profile, error) {
	return Parse([]byte(`{"name": "x", "base": "chrome-156-linux", "edits": [` + edits + `]}`))
}

// fieldNames are the names in a list, joined, each with its value if it contains
// the text.
func fieldNames(l *HeaderList, valued string) string {
	var out []string
	for _, f := range l.Fields {
		if f.Value != "" && strings.Contains(valued, f.Name) {
			f.Name += "=" + f.Value
		}
		out = append(out, f.Name)
	}
	return strings.Join(out, " ")
}

func TestEdits(t *testing.T) {
	for _, c := range []struct {
		edits      string
		wire       Wire
		dest       Destination
		has, hasno string
	}{
		{`{"name": "Accept", "old": "image/jxl,", "new": ""}`, OverHTTP1, Document, "application/xml;q=0.9,image/avif", "jxl"},
		{`{"name": "accept", "destinations": ["image"], "old": "image/jxl,", "new": ""}`, OverHTTP2, Document, "image/jxl,image/avif", ""},
		{`{"name": "accept", "destinations": ["image"], "old": "image/jxl,", "new": ""}`, OverHTTP2, Image, "accept=image/avif", "jxl"},
		{`{"name": "priority", "drop": true}`, OverHTTP2, Document, "user-agent", "priority"},
		{`{"name": "accept", "before": "user-agent"}`, OverHTTP2, Document, ",*/*;q=0.8,application/signed-exchange;v=b3;q=0.7 user-agent", ""},
		{`{"name": "user-agent", "after": "cookie"}`, OverHTTP1, Document, "Cookie User-Agent", ""},
		{`{"name": "priority", "before": "user-agent"}`, OverCleartext, Document, "User-Agent", "priority"},
		{`{"name": "origin", "before": "user-agent"}, {"name": "origin", "drop": true}`, OverHTTP2, Document, "user-agent", "origin"},
	} {
		p, err := edited(c.edits)
		if err != nil {
			t.Errorf("%s: %v", c.edits, err)
			continue
		}
		got := fieldNames(p.list(c.wire, c.dest), "accept Accept")
		if !strings.Contains(got, c.has) || c.hasno != "" && strings.Contains(got, c.hasno) {
			t.Errorf("%s\n%s", c.edits, got)
		}
	}
	if got := fieldNames(lookup(t, "chrome-156-linux").list(OverHTTP2, Document), "accept"); !strings.Contains(got, "jxl") {
		t.Error("the edits changed their base")
	}
}

func TestEditErrors(t *testing.T) {
	for edits, path := range map[string]string{
		`{}`:                               "edits[0].name",
		`{"name": "nosuch", "drop": true}`: "edits[0]",
		`{"name": "accept"}`:               "edits[0]",
		`{"name": "accept", "old": "nosuch", "new": "x"}`:                        "edits[0]",
		`{"name": "accept", "destinations": ["nosuch"], "drop": true}`:           "edits[0]",
		`{"name": "accept", "before": "nosuch"}`:                                 "edits[0]",
		`{"name": "accept", "before": "Accept"}`:                                 "edits[0].name",
		`{"name": "accept", "before": "cookie", "after": "priority"}`:            "edits[0].after",
		`{"name": "accept", "drop": true, "old": "x"}`:                           "edits[0].drop",
		`{"name": "priority", "drop": true}, {"name": "priority", "drop": true}`: "edits[1]",
		`{"name": "accept", "move": "x"}`:                                        "edits[0].move",
	} {
		_, err := edited(edits)
		var field *FieldError
		if !errors.As(err, &field) || field.Path != path {
			t.Errorf("%s: %v", edits, err)
		}
	}
}
