package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mien-http/mien/mientest"
)

// serveOptions are the flags of "mien serve".
type serveOptions struct {
	addr      string
	cacertOut string
	urlOut    string
	protocols []string
	resets    float64
	plain     bool
}

func serveCommand() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Answer whoever connects with how they look on the wire",
		Long: `serve runs an HTTPS origin that answers every request with a JSON object: the
client's JA3, JA4 and Akamai fingerprints, its header fields in the order of the
wire, and whether it resumed a TLS session. Point mien, a browser or any other
client at it.

It draws a new CA each time it starts; --cacert-out writes its certificate for
clients to trust. It runs until it is interrupted.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), o, cmd.Flags().Changed("protocols"), cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.addr, "addr", "127.0.0.1:8443", "`host:port` to listen on; port 0: a free one")
	f.StringVar(&o.cacertOut, "cacert-out", "", "write the CA's certificate to this `file`, in PEM")
	f.StringVar(&o.urlOut, "url-out", "", "write the URL to this `file` once the origin listens")
	f.StringSliceVar(&o.protocols, "protocols", []string{"h2", "http/1.1"}, "what to speak, in the order of preference")
	f.Float64Var(&o.resets, "resets", 0, "share of the TLS handshakes to kill, 0 to 1, half by FIN and half by RST")
	f.BoolVar(&o.plain, "plain", false, "cleartext http, without TLS")
	return cmd
}

// config says what kind of origin to run; its errors name the flag.
func (o serveOptions) config(chosen bool) (mientest.Config, error) {
	cfg := mientest.Config{Protocols: o.protocols, Plain: o.plain}
	for _, p := range o.protocols {
		if p != "h2" && p != "http/1.1" {
			return cfg, fmt.Errorf("--protocols %s: h2 and http/1.1 are known", p)
		}
	}
	switch {
	case len(o.protocols) == 0:
		return cfg, fmt.Errorf("--protocols: h2, http/1.1 or both")
	case !(o.resets >= 0 && o.resets <= 1):
		return cfg, fmt.Errorf("--resets %v: 0 to 1", o.resets)
	case o.plain && o.resets > 0:
		return cfg, fmt.Errorf("--plain and --resets exclude each other: without TLS there is no handshake to kill")
	case o.plain && o.cacertOut != "":
		return cfg, fmt.Errorf("--plain and --cacert-out exclude each other: without TLS there is no certificate")
	case o.plain && !chosen:
		cfg.Protocols = nil
	case o.plain && len(o.protocols) > 1:
		return cfg, fmt.Errorf("--plain takes one of --protocols: without TLS nothing can be negotiated")
	}
	cfg.Faults.Handshake.Share = o.resets
	host, _, err := net.SplitHostPort(o.addr)
	if err != nil {
		return cfg, fmt.Errorf("--addr: %w", err)
	}
	if host != "" && !o.plain {
		cfg.Hosts = []string{host}
	}
	return cfg, nil
}

func serve(ctx context.Context, o serveOptions, chosen bool, stdout io.Writer) error {
	cfg, err := o.config(chosen)
	if err != nil {
		return err
	}
	if cfg.Listener, err = new(net.ListenConfig).Listen(ctx, "tcp", o.addr); err != nil {
		return failedf("%v", err)
	}
	origin, err := mientest.New(cfg)
	if err != nil {
		cfg.Listener.Close()
		return err
	}
	defer origin.Close()
	if err := o.announce(origin, cfg.Protocols, stdout); err != nil {
		return failedf("%v", err)
	}
	<-ctx.Done()
	return nil
}

// urlOf is where clients find the origin. Loopback goes by its name: to an
// address no client sends the server_name extension, so its fingerprint would
// not be the one that other servers see.
func urlOf(origin *mientest.Origin) string {
	addr, ok := origin.Addr().(*net.TCPAddr)
	if !ok || !addr.IP.IsLoopback() && !addr.IP.IsUnspecified() {
		return origin.URL
	}
	scheme, _, _ := strings.Cut(origin.URL, "://")
	return scheme + "://" + net.JoinHostPort("localhost", strconv.Itoa(addr.Port))
}

// announce says where the origin is and how to trust it. The files are complete
// as soon as they exist, and the URL comes last, so that a script can wait for it.
func (o serveOptions) announce(origin *mientest.Origin, protocols []string, stdout io.Writer) error {
	url := urlOf(origin)
	if o.cacertOut != "" {
		if err := writeWhole(o.cacertOut, origin.CertPEM()); err != nil {
			return fmt.Errorf("--cacert-out: %w", err)
		}
	}
	if o.urlOut != "" {
		if err := writeWhole(o.urlOut, []byte(url+"\n")); err != nil {
			return fmt.Errorf("--url-out: %w", err)
		}
	}
	h2 := ""
	if o.plain && slices.Equal(protocols, []string{"h2"}) {
		h2 = ", HTTP/2 with prior knowledge"
	}
	how := "cleartext" + h2
	switch {
	case o.cacertOut != "":
		how = fmt.Sprintf("trust %s, for example: mien get %s --cacert %s", o.cacertOut, url, o.cacertOut)
	case !o.plain:
		how = fmt.Sprintf("its CA is in no trust store: start with --cacert-out ca.pem, or mien get %s --insecure", url)
	}
	_, err := fmt.Fprintf(stdout, "%s\n%s\n", url, how)
	return err
}

// writeWhole makes file appear with all of content at once.
func writeWhole(file string, content []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // fails once it is renamed
	_, err = tmp.Write(content)
	if e := tmp.Chmod(0o644); err == nil {
		err = e
	}
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), file)
}
