package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/mien-http/mien/fingerprint"
)

// printTable says in ten seconds' reading what happened.
func printTable(w io.Writer, o demoOptions, p *fingerprint.Profile, rows []demoRow) {
	fmt.Fprintf(w, "%s requests at once, one process for each client; the origin holds each for a second\nand kills %.0f %% of the TLS handshakes after the ClientHello (half FIN, half RST).\n\n",
		thousands(int64(o.requests)), o.resets*100)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "client\tok\tfailed\tseconds\thandshakes\tkilled\tretries\tconnections\tpeak RSS\tlooks like\t")
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%s\t%s\t%.1f\t%s\t%s\t%s\t%s\t%s\t%s\t\n",
			r.Client, thousands(int64(r.OK)), thousands(int64(r.Failed)), r.Seconds,
			thousands(r.Handshakes), thousands(r.HandshakesFailed), retries(r), thousands(r.Connections), megabytes(r.PeakRSS), looks(r, p))
	}
	_ = t.Flush()
	fmt.Fprintln(w)
	for _, r := range rows {
		if r.Client == clientControl && len(r.FirstErrors) > 0 {
			fmt.Fprintf(w, "%s says: %s\n", r.Client, r.FirstErrors[0])
		}
	}
	fmt.Fprintf(w, "Profile %s: %s %s on %s.\n", p.Name, p.Browser.Brand, p.Browser.Major(), p.Browser.Platform)
	fmt.Fprintf(w, "  TLS       %s: %s\n", p.Provenance.TLS.Kind, p.Provenance.TLS.From)
	fmt.Fprintf(w, "  HTTP/2    %s: %s\n", p.Provenance.HTTP2.Kind, p.Provenance.HTTP2.From)
	fmt.Fprintf(w, "  headers   %s: %s\n", p.Provenance.Headers.Kind, p.Provenance.Headers.From)
	fmt.Fprintf(w, "  identity  %s: %s\n", p.Provenance.Identity.Kind, p.Provenance.Identity.From)
	for _, r := range rows {
		if r.JA4Seen == nil {
			continue
		}
		fmt.Fprintf(w, "%s, seen by the origin: JA4 %s", r.Client, text(r.JA4Seen))
		if r.AkamaiSeen != nil {
			fmt.Fprintf(w, ", HTTP/2 %s", *r.AkamaiSeen)
		}
		fmt.Fprintln(w)
	}
}

// looks says whether what the origin saw is what the capture says.
func looks(r demoRow, p *fingerprint.Profile) string {
	if r.Profile == nil {
		return "Go"
	}
	ok := r
	ok.Failed = 0
	if ok.wrong() != "" {
		return "NOT the profile"
	}
	return p.Browser.Brand + " " + p.Browser.Major()
}

func retries(r demoRow) string {
	if r.Retries == nil {
		return "none"
	}
	return thousands(*r.Retries)
}

func megabytes(n *int64) string {
	if n == nil {
		return "?"
	}
	return fmt.Sprintf("%d MB", *n/1e6)
}

// thousands writes 5000 as 5,000.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	if len(s) <= 3 {
		return s
	}
	var b strings.Builder
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}
