package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"

	"github.com/mien-http/mien/fingerprint"
)

const (
	protocolH1 = "h1"
	protocolH2 = "h2"
)

// demoRow is what one client did and what the origin saw of it. A nil field
// does not apply, or the system cannot tell.
type demoRow struct {
	Client               string   `json:"client"`
	Requests             int      `json:"requests"`
	OK                   int      `json:"ok"`
	Failed               int      `json:"failed"`
	Seconds              float64  `json:"seconds"`
	Handshakes           int64    `json:"handshakes"`        // that the origin got
	HandshakesFailed     int64    `json:"handshakes_failed"` // that the origin killed
	HandshakeFailureRate float64  `json:"handshake_failure_rate"`
	Retries              *int64   `json:"retries"`
	Connections          int64    `json:"connections"`
	Resumed              int64    `json:"resumed"`
	Protocol             string   `json:"protocol"`
	Profile              *string  `json:"profile"`
	JA4Seen              *string  `json:"ja4_seen"`
	JA4Expected          *string  `json:"ja4_expected"`
	JA4ResumedSeen       *string  `json:"ja4_resumed_seen"`
	JA4ResumedExpected   *string  `json:"ja4_resumed_expected"`
	AkamaiSeen           *string  `json:"akamai_seen"`
	AkamaiExpected       *string  `json:"akamai_expected"`
	HeadersMatch         *bool    `json:"headers_match"`
	PeakRSS              *int64   `json:"peak_rss_bytes"`
	OriginRSS            *int64   `json:"origin_rss_bytes"`
	GoroutinesBefore     int      `json:"goroutines_before"`
	GoroutinesAfter      int      `json:"goroutines_after"`
	FirstErrors          []string `json:"errors,omitempty"` // a few, as the client printed them
}

// wrong says why the row does not count as a success, "" if it does. The
// control row is there to fail.
func (r demoRow) wrong() string {
	switch {
	case r.Client == clientControl:
		return ""
	case r.Failed > 0:
		return fmt.Sprintf("%d of %d requests failed", r.Failed, r.Requests)
	case !same(r.JA4Seen, r.JA4Expected):
		return fmt.Sprintf("the origin saw JA4 %s, the capture says %s", text(r.JA4Seen), text(r.JA4Expected))
	case r.JA4ResumedSeen != nil && !same(r.JA4ResumedSeen, r.JA4ResumedExpected):
		return fmt.Sprintf("the origin saw JA4 %s of resuming hellos, the capture says %s", text(r.JA4ResumedSeen), text(r.JA4ResumedExpected))
	case !same(r.AkamaiSeen, r.AkamaiExpected):
		return fmt.Sprintf("the origin saw HTTP/2 %s, the capture says %s", text(r.AkamaiSeen), text(r.AkamaiExpected))
	case r.HeadersMatch != nil && !*r.HeadersMatch:
		return "the header fields are not those of the capture"
	}
	return ""
}

func same(a, b *string) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

func text(s *string) string {
	if s == nil {
		return "none"
	}
	return *s
}

// child is a process of this same binary that talks JSON on its pipes.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
}

func startChild(ctx context.Context, args ...string) (*child, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.CommandContext(ctx, exe, args...)}
	c.cmd.Stderr = os.Stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = json.NewDecoder(bufio.NewReader(out))
	return c, c.cmd.Start()
}

// stop ends the child by closing its standard input and waits for it.
func (c *child) stop() error {
	_ = c.in.Close()
	return c.cmd.Wait()
}

// runRow runs one client against a fresh origin.
func runRow(ctx context.Context, o demoOptions, client string, p *fingerprint.Profile, progress func(int)) (row demoRow, err error) {
	protocol := protocolH1
	if client == clientH2 {
		protocol = protocolH2
	}
	origin, err := startChild(ctx, "demo-origin", "--protocol", protocol, "--resets", strconv.FormatFloat(o.resets, 'g', -1, 64))
	if err != nil {
		return row, err
	}
	defer func() {
		if e := origin.stop(); err == nil && e != nil {
			err = fmt.Errorf("origin: %w", e)
		}
	}()
	var at originAddress
	if err := origin.out.Decode(&at); err != nil {
		return row, fmt.Errorf("origin: %w", err)
	}
	worker, err := startChild(ctx, "demo-client", "--client", client, "--requests", strconv.Itoa(o.requests), "--profile", p.Name)
	if err != nil {
		return row, err
	}
	if err := json.NewEncoder(worker.in).Encode(at); err != nil {
		return row, fmt.Errorf("client: %w", err)
	}
	var did clientReport
	for did.Result == nil {
		if err := worker.out.Decode(&did); err != nil {
			_ = worker.stop()
			return row, fmt.Errorf("client: %w", err)
		}
		progress(did.Done)
	}
	progress(-1)
	if err := worker.stop(); err != nil {
		return row, fmt.Errorf("client: %w", err)
	}
	if _, err := io.WriteString(origin.in, "report\n"); err != nil {
		return row, fmt.Errorf("origin: %w", err)
	}
	var saw originReport
	if err := origin.out.Decode(&saw); err != nil {
		return row, fmt.Errorf("origin: %w", err)
	}
	return makeRow(o, client, protocol, p, *did.Result, saw), nil
}

func makeRow(o demoOptions, client, protocol string, p *fingerprint.Profile, did clientResult, saw originReport) demoRow {
	row := demoRow{
		Client: client, Requests: o.requests, OK: did.OK, Failed: did.Failed, Seconds: did.Seconds,
		Handshakes: saw.Handshakes, HandshakesFailed: saw.HandshakesKilled,
		Connections: saw.Connections, Resumed: saw.Resumed, Protocol: protocol,
		PeakRSS: did.PeakRSS, OriginRSS: saw.PeakRSS,
		GoroutinesBefore: did.GoroutinesBefore, GoroutinesAfter: did.GoroutinesAfter,
		FirstErrors: did.Errors,
	}
	if saw.Handshakes > 0 {
		row.HandshakeFailureRate = float64(saw.HandshakesKilled) / float64(saw.Handshakes)
	}
	if client == clientControl {
		return row
	}
	row.Retries, row.Profile = &did.Retries, &p.Name
	row.JA4Expected = &p.Digests.JA4
	var other []string
	for _, ja4 := range saw.JA4 {
		if ja4 == p.Digests.JA4Resumed { // of a hello that offers a ticket
			row.JA4ResumedExpected, row.JA4ResumedSeen = &p.Digests.JA4Resumed, &ja4
		} else {
			other = append(other, ja4)
		}
	}
	row.JA4Seen = seen(other)
	if protocol == protocolH2 {
		row.AkamaiExpected, row.AkamaiSeen = &p.Digests.Akamai, seen(saw.Akamai)
	}
	row.HeadersMatch = headersMatch(p, protocol, saw)
	return row
}

// seen joins what the origin saw; more than one value cannot equal a capture.
func seen(values []string) *string {
	if len(values) == 0 {
		return nil
	}
	s := values[0]
	for _, v := range values[1:] {
		s += " and " + v
	}
	return &s
}
