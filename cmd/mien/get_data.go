package main

import (
	"bytes"
	"net/url"
	"os"
	"strings"
)

// dataKind is the flag that data was given with.
type dataKind int

const (
	dataText    dataKind = iota // --data
	dataRaw                     // --data-raw
	dataBinary                  // --data-binary
	dataEncoded                 // --data-urlencode
	dataJSON                    // --json
)

func (k dataKind) flag() string {
	return [...]string{"data", "data-raw", "data-binary", "data-urlencode", "json"}[k]
}

// datum is one piece of data, as given.
type datum struct {
	kind dataKind
	text string
}

// dataFlag keeps the order of data over all its flags.
type dataFlag struct {
	into *[]datum
	kind dataKind
}

func (f *dataFlag) String() string { return "" }
func (f *dataFlag) Type() string   { return "data" }
func (f *dataFlag) Set(text string) error {
	*f.into = append(*f.into, datum{f.kind, text})
	return nil
}

func (g *oneGet) sendsJSON() bool {
	return len(g.o.data) > 0 && g.o.data[0].kind == dataJSON
}

// joined reads all data once and puts & between the pieces, but for JSON.
func (g *oneGet) joined() ([]byte, error) {
	if g.data != nil {
		return g.data, nil
	}
	all := []byte{}
	for i, d := range g.o.data {
		part, err := g.datum(d)
		if err != nil {
			return nil, err
		}
		if i > 0 && d.kind != dataJSON {
			all = append(all, '&')
		}
		all = append(all, part...)
	}
	g.data = all
	return all, nil
}

func (g *oneGet) datum(d datum) ([]byte, error) {
	file, isFile := strings.CutPrefix(d.text, "@")
	switch {
	case d.kind == dataEncoded:
		return g.encoded(d.text)
	case d.kind == dataRaw || !isFile:
		return []byte(d.text), nil
	}
	text, err := g.readFile(d.kind.flag(), file)
	if d.kind == dataText { // curl: carriage returns, newlines and null bytes do not survive
		text = bytes.Map(func(r rune) rune {
			if r == '\r' || r == '\n' || r == 0 {
				return -1
			}
			return r
		}, text)
	}
	return text, err
}

// encoded reads the five forms of --data-urlencode.
func (g *oneGet) encoded(text string) ([]byte, error) {
	name, content := "", text
	if i := strings.IndexAny(text, "=@"); i >= 0 {
		name, content = text[:i], text[i+1:]
		if text[i] == '@' {
			read, err := g.readFile(dataEncoded.flag(), content)
			if err != nil {
				return nil, err
			}
			content = string(read)
		}
	}
	content = strings.ReplaceAll(url.QueryEscape(content), "+", "%20")
	if name != "" {
		content = name + "=" + content
	}
	return []byte(content), nil
}

// readWhole is os.ReadFile whose error does not repeat the name.
func readWhole(file string) ([]byte, error) {
	text, err := os.ReadFile(file)
	return text, withoutPath(err)
}
