package main

import (
	"embed"
	"encoding/json"
	"strings"

	"github.com/mien-http/mien/fingerprint"
)

// captured holds what real browsers sent, as recorded: the demo measures
// against these and never against what this module itself would send.
//
//go:embed captured/*.json
var capturedFiles embed.FS

// capturedHead is a typed navigation as a browser sent it.
type capturedHead struct {
	Source   string      `json:"source"`
	Engine   string      `json:"engine"`
	Major    string      `json:"major"`
	Protocol string      `json:"protocol"`
	Fields   [][2]string `json:"fields"` // wire order and case, pseudo-header fields included
}

// capturedFor is the recording that p is made from; ok is false if there is none.
func capturedFor(p *fingerprint.Profile, protocol string) (head capturedHead, ok bool) {
	data, err := capturedFiles.ReadFile("captured/" + p.Browser.Engine + "-" + p.Browser.Major() + "-" + protocol + ".json")
	if err != nil {
		return head, false
	}
	return head, json.Unmarshal(data, &head) == nil
}

// headersMatch compares what the origin got with the recording: names, order,
// case, and every value but the host's name and those by which a derived
// profile differs (brand, platform, and the word Headless, which the recorded
// browser had because it ran without a window). nil: there is no recording.
func headersMatch(p *fingerprint.Profile, protocol string, saw originReport) *bool {
	head, ok := capturedFor(p, protocol)
	if !ok {
		return nil
	}
	match := saw.Digests == 1 && len(saw.Fields) > 0
	for _, got := range saw.Fields {
		match = match && head.equals(p, got)
	}
	return &match
}

func (h capturedHead) equals(p *fingerprint.Profile, got [][2]string) bool {
	if len(got) != len(h.Fields) {
		return false
	}
	for i, want := range h.Fields {
		if got[i][0] != want[0] {
			return false
		}
		switch name := strings.ToLower(want[0]); name {
		case ":authority", "host":
		case "user-agent", "sec-ch-ua", "sec-ch-ua-platform":
			if got[i][1] != identity(p, name) {
				return false
			}
		default:
			if got[i][1] != want[1] {
				return false
			}
		}
	}
	return true
}

// identity is the value that p claims for a field of its identity.
func identity(p *fingerprint.Profile, name string) string {
	for _, f := range p.Identity {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}
