package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// writeOut is a parsed --write-out: text and variables in turn.
type writeOut []writePiece

type writePiece struct {
	text     string
	variable string // "": text
}

// summary is what variables are read from. A response of nil had no head.
type summary struct {
	resp *http.Response
	size int64
	err  error
	talk *talk
	t    times
}

// writeVariables are those of curl's that can be answered.
var writeVariables = map[string]func(*summary) string{
	"content_type":       func(s *summary) string { return s.field("Content-Type") },
	"errormsg":           func(s *summary) string { return s.message() },
	"exitcode":           func(s *summary) string { return strconv.Itoa(s.exit()) },
	"http_code":          func(s *summary) string { return fmt.Sprintf("%03d", s.status()) },
	"http_version":       func(s *summary) string { return s.version() },
	"local_ip":           func(s *summary) string { return s.part(s.t.local, 0) },
	"local_port":         func(s *summary) string { return s.part(s.t.local, 1) },
	"method":             func(s *summary) string { return s.talk.hop.Method },
	"num_connects":       func(s *summary) string { return strconv.Itoa(s.t.connects) },
	"num_redirects":      func(s *summary) string { return strconv.Itoa(s.t.redirects) },
	"redirect_url":       func(s *summary) string { return s.redirect() },
	"remote_ip":          func(s *summary) string { return s.part(s.t.remote, 0) },
	"remote_port":        func(s *summary) string { return s.part(s.t.remote, 1) },
	"response_code":      func(s *summary) string { return fmt.Sprintf("%03d", s.status()) },
	"scheme":             func(s *summary) string { return s.talk.hop.URL.Scheme },
	"size_download":      func(s *summary) string { return strconv.FormatInt(s.size, 10) },
	"time_appconnect":    func(s *summary) string { return secondsOf(s.t.shaken) },
	"time_connect":       func(s *summary) string { return secondsOf(s.t.connected) },
	"time_namelookup":    func(s *summary) string { return secondsOf(s.t.lookedUp) },
	"time_pretransfer":   func(s *summary) string { return secondsOf(s.t.gotConn) },
	"time_starttransfer": func(s *summary) string { return secondsOf(s.t.firstByte) },
	"time_total":         func(s *summary) string { return secondsOf(s.t.total) },
	"url":                func(s *summary) string { return s.talk.first },
	"url_effective":      func(s *summary) string { return s.talk.hop.URL.String() },
}

// writeOut parses the flag, so that a slip in it is told before anything is sent.
func (g *oneGet) writeOut() (writeOut, error) {
	format := g.o.writeOut
	if file, ok := strings.CutPrefix(format, "@"); ok {
		text, err := g.readFile("write-out", file)
		if err != nil {
			return nil, err
		}
		format = string(text)
	}
	format = strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\t`, "\t", `\\`, `\`).Replace(format)
	var w writeOut
	for format != "" {
		i := strings.IndexByte(format, '%')
		if i < 0 {
			return append(w, writePiece{text: format}), nil
		}
		if i > 0 {
			w = append(w, writePiece{text: format[:i]})
		}
		format = format[i+1:]
		rest, braced := strings.CutPrefix(format, "{")
		if !braced {
			w = append(w, writePiece{text: "%"})
			format = strings.TrimPrefix(format, "%")
			continue
		}
		name, after, ok := strings.Cut(rest, "}")
		if !ok {
			return nil, fmt.Errorf("--write-out: %%{%s has no }", name)
		}
		if !knownVariable(name) {
			return nil, fmt.Errorf("--write-out: %%{%s} is not known; known are stdout, stderr, onerror, header{NAME}, %s", name, strings.Join(sortedKeys(writeVariables), ", "))
		}
		if field, ok := strings.CutPrefix(name, "header{"); ok { // its own } was cut at
			name, after = "header{"+field, strings.TrimPrefix(after, "}")
		}
		w = append(w, writePiece{variable: name})
		format = after
	}
	return w, nil
}

func knownVariable(name string) bool {
	_, ok := writeVariables[name]
	return ok || strings.HasPrefix(name, "header{") || slices.Contains([]string{"stdout", "stderr", "onerror"}, name)
}

// writeSummary prints --write-out.
func (g *oneGet) writeSummary(resp *http.Response, size int64, err error) {
	s := summary{resp: resp, size: size, err: err, talk: g.talk, t: g.talk.measured()}
	var out io.Writer = g.stdout
	for _, p := range g.write {
		switch name, isHeader := strings.CutPrefix(p.variable, "header{"); {
		case p.variable == "":
			io.WriteString(out, p.text)
		case p.variable == "stdout":
			out = g.stdout
		case p.variable == "stderr":
			out = g.stderr
		case p.variable == "onerror":
			if err == nil {
				return // curl: the rest is for failures
			}
		case isHeader:
			io.WriteString(out, s.field(name))
		default:
			io.WriteString(out, writeVariables[p.variable](&s))
		}
	}
}

func (s *summary) field(name string) string {
	if s.resp == nil {
		return ""
	}
	return s.resp.Header.Get(name)
}

func (s *summary) status() int {
	if s.resp == nil {
		return 0
	}
	return s.resp.StatusCode
}

func (s *summary) message() string {
	if s.err == nil {
		return ""
	}
	return s.err.Error()
}

func (s *summary) exit() int {
	if s.err == nil {
		return exitDone
	}
	return exitFailed
}

func (s *summary) version() string {
	switch {
	case s.resp == nil:
		return "0"
	case s.resp.ProtoMajor == 2:
		return "2"
	}
	return strings.TrimPrefix(s.resp.Proto, "HTTP/")
}

// redirect is where the last response would lead.
func (s *summary) redirect() string {
	if s.resp == nil || s.resp.StatusCode < 300 || s.resp.StatusCode > 399 {
		return ""
	}
	u, err := s.resp.Location()
	if err != nil {
		return ""
	}
	return u.String()
}

// part is host (0) or port (1) of an address.
func (*summary) part(addr net.Addr, i int) string {
	if addr == nil {
		return ""
	}
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return ""
	}
	return [2]string{host, port}[i]
}
