package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/mien-http/mien"
)

// importCookies gives the session what --cookie says: files, and pairs, which go to
// the host of each URL alone.
func (g *oneGet) importCookies(s *mien.Session, requests []*http.Request) error {
	for _, arg := range g.o.cookies {
		if arg == "" {
			continue // curl: turns cookies on, which they are
		}
		if !strings.Contains(arg, "=") {
			text, err := g.readFile("cookie", arg)
			if err != nil {
				return err
			}
			if err := importCookieFile(s, text); err != nil {
				return fmt.Errorf("--cookie %s: %w", arg, err)
			}
			continue
		}
		seen := make(map[string]bool)
		for _, req := range requests {
			host := req.URL.Hostname()
			if seen[host] {
				continue
			}
			seen[host] = true
			var all []cookieRecord
			for crumb := range strings.SplitSeq(arg, ";") {
				name, value, _ := strings.Cut(strings.TrimSpace(crumb), "=")
				if name == "" && value == "" {
					continue
				}
				all = append(all, cookieRecord{Name: cookieText(name), Value: cookieText(value), Domain: host, HostOnly: true, Path: "/"})
			}
			if err := importRecords(s, all); err != nil {
				return fmt.Errorf("--cookie: %w", err)
			}
		}
	}
	return nil
}

// importCookieFile reads mien's own format or Netscape's.
func importCookieFile(s *mien.Session, text []byte) error {
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && trimmed[0] == '{' {
		return plain(s.ImportCookies(bytes.NewReader(text)))
	}
	all, err := parseNetscape(string(text))
	if err != nil {
		return err
	}
	return importRecords(s, all)
}

func importRecords(s *mien.Session, all []cookieRecord) error {
	if len(all) == 0 {
		return nil
	}
	text, err := json.Marshal(cookieDocument{Version: 1, Cookies: all})
	if err != nil {
		return err
	}
	return plain(s.ImportCookies(bytes.NewReader(text)))
}

// plain is err without the package's name in front.
func plain(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(strings.TrimPrefix(err.Error(), "mien: "))
}

// saveCookies writes what --cookie-jar says. The file is for its owner alone: who
// has it is logged in.
func (g *oneGet) saveCookies(s *mien.Session) error {
	if g.o.cookieJar == "" {
		return nil
	}
	var b bytes.Buffer
	if err := s.ExportCookies(&b); err != nil {
		return err
	}
	text := b.Bytes()
	if !strings.HasSuffix(g.o.cookieJar, ".json") {
		var d cookieDocument
		if err := json.Unmarshal(text, &d); err != nil {
			return fmt.Errorf("--cookie-jar: %w", err)
		}
		var left int
		text, left = writeNetscape(d.Cookies)
		if left > 0 {
			fmt.Fprintf(g.stderr, "mien: --cookie-jar: %d cookies hold bytes that Netscape's format cannot; a file named .json holds all\n", left)
		}
	}
	if g.o.cookieJar == "-" {
		_, err := g.stdout.Write(text)
		return err
	}
	if err := os.WriteFile(g.o.cookieJar, text, 0o600); err != nil {
		return fmt.Errorf("--cookie-jar: %w", err)
	}
	return nil
}
