package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mien-http/mien/mientest"
)

// originAddress is what the origin tells its parent first.
type originAddress struct {
	URL string `json:"url"`
	CA  string `json:"ca"` // PEM
}

// originReport is what the origin saw.
type originReport struct {
	Handshakes       int64         `json:"handshakes"`
	HandshakesKilled int64         `json:"handshakes_killed"`
	Connections      int64         `json:"connections"`
	Resumed          int64         `json:"resumed"`
	JA4              []string      `json:"ja4"` // each that was seen
	Akamai           []string      `json:"akamai"`
	Digests          int           `json:"digests"` // different field sections
	Fields           [][][2]string `json:"fields"`  // name and value, of the first requests
	PeakRSS          *int64        `json:"peak_rss"`
}

// originHold is how long the origin holds each request.
const originHold = time.Second

func demoOriginCommand() *cobra.Command {
	var protocol string
	var resets float64
	cmd := &cobra.Command{
		Use:    "demo-origin",
		Short:  "The origin of mien demo",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return demoOrigin(protocol, resets, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&protocol, "protocol", protocolH2, "h1 or h2")
	cmd.Flags().Float64Var(&resets, "resets", 0, "share of handshakes to kill")
	return cmd
}

// demoOrigin serves until in ends. A line on in asks for the report.
func demoOrigin(protocol string, resets float64, in io.Reader, out io.Writer) error {
	protocols := []string{"h2"}
	if protocol == protocolH1 {
		protocols = []string{"http/1.1"}
	}
	origin, err := mientest.New(mientest.Config{
		Protocols: protocols,
		Faults:    mientest.Faults{Handshake: mientest.HandshakeFaults{Share: resets}},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(originHold):
			case <-r.Context().Done():
				return
			}
			if r.ProtoMajor == 1 {
				w.Header().Set("Connection", "close")
			}
			_, _ = io.WriteString(w, "ok\n")
		}),
	})
	if err != nil {
		return err
	}
	defer origin.Close()
	enc := json.NewEncoder(out)
	// By name: a browser sends no server_name for an address.
	url := strings.Replace(origin.URL, "127.0.0.1", "localhost", 1)
	if err := enc.Encode(originAddress{URL: url, CA: string(origin.CertPEM())}); err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if err := enc.Encode(reportOf(origin)); err != nil {
			return err
		}
	}
	return nil
}

func reportOf(origin *mientest.Origin) originReport {
	c := origin.Counters()
	r := originReport{
		Handshakes: c.Handshakes, HandshakesKilled: c.HandshakesKilled,
		Connections: c.Connections, Resumed: c.Resumed,
		Digests: len(c.Digests), PeakRSS: peakRSS(),
	}
	for ja4 := range c.JA4 {
		r.JA4 = append(r.JA4, ja4)
	}
	for a := range c.Akamai {
		r.Akamai = append(r.Akamai, a)
	}
	slices.Sort(r.JA4)
	slices.Sort(r.Akamai)
	for _, req := range origin.Requests() {
		if len(req.Fields) == 0 {
			continue
		}
		pairs := make([][2]string, len(req.Fields))
		for i, f := range req.Fields {
			pairs[i] = [2]string{f.Name, f.Value}
		}
		r.Fields = append(r.Fields, pairs)
	}
	return r
}
