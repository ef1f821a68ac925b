package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// refusal is a flag of curl's that was given and cannot be obeyed.
type refusal struct{ flag, why string }

func (r refusal) Error() string { return fmt.Sprintf("--%s: %s", r.flag, r.why) }

// What to do in place of flags that cannot be obeyed.
const (
	byProfile  = "the hello is the browser's, and any change of it shows; choose another with --profile, see mien profiles"
	byHTTP     = "HTTP/2 and HTTP/1.1 over TCP are spoken; leave it out, or say --http1.1"
	byScheme   = "Basic is the only way that --user is sent; for another send -H 'Authorization: …'"
	byBrowser  = "method and body change in a redirect as browsers change them; use --no-follow and send the next request yourself"
	byDuration = "pauses are drawn at random and grow, and a Retry-After is kept to; leave it out"
	bySOCKS    = "write it as -x with a scheme: socks4://, socks4a://, socks5:// or socks5h://HOST:PORT"
)

// refusedFlags are flags of curl's that a curl user may type, with what to do
// instead. takes: they have an argument.
var refusedFlags = []struct {
	name, short string
	takes       bool
	why         string
}{
	{"http3", "", false, byHTTP}, {"http3-only", "", false, byHTTP}, {"http1.0", "0", false, byHTTP}, {"http0.9", "", false, byHTTP},
	{"http2-prior-knowledge", "", false, "no browser speaks HTTP/2 without TLS; http:// URLs are asked over HTTP/1.1"},
	{"tlsv1", "1", false, byProfile}, {"tlsv1.0", "", false, byProfile}, {"tlsv1.1", "", false, byProfile}, {"tlsv1.2", "", false, byProfile}, {"tlsv1.3", "", false, byProfile},
	{"tls-max", "", true, byProfile}, {"ciphers", "", true, byProfile}, {"tls13-ciphers", "", true, byProfile}, {"curves", "", true, byProfile},
	{"sigalgs", "", true, byProfile}, {"ech", "", true, byProfile}, {"no-alpn", "", false, byProfile}, {"no-sessionid", "", false, byProfile}, {"tls-earlydata", "", false, byProfile},
	{"sslv2", "2", false, byProfile}, {"sslv3", "3", false, byProfile}, {"cert-status", "", false, "stapled OCSP is asked for by the browser's hello and not checked; use --pinnedpubkey"},
	{"capath", "", true, "put the certificates into one PEM file for --cacert"}, {"crlfile", "", true, "revocation lists are not read; use --pinnedpubkey"},
	{"cert-type", "", true, "certificates and keys are PEM"}, {"key-type", "", true, "certificates and keys are PEM"},
	{"pass", "", true, "decrypt the key first: openssl pkey -in FILE -out KEY"},
	{"digest", "", false, byScheme}, {"ntlm", "", false, byScheme}, {"negotiate", "", false, byScheme}, {"anyauth", "", false, byScheme}, {"aws-sigv4", "", true, byScheme},
	{"netrc", "n", false, "files with passwords are not searched for; give -u user:password"}, {"netrc-file", "", true, "files with passwords are not read; give -u user:password"},
	{"location-trusted", "", false, "credentials go to the origin that they were given for, as in a browser; ask the other host by itself"},
	{"post301", "", false, byBrowser}, {"post302", "", false, byBrowser}, {"post303", "", false, byBrowser},
	{"retry-delay", "", true, byDuration}, {"retry-max-time", "", true, "use --max-time, which holds all attempts"},
	{"retry-all-errors", "", false, "what must not be sent twice is not; run it again yourself"}, {"retry-connrefused", "", false, "connections are tried again without it; leave it out"},
	{"socks4", "", true, bySOCKS}, {"socks4a", "", true, bySOCKS}, {"socks5", "", true, bySOCKS}, {"socks5-hostname", "", true, bySOCKS},
	{"preproxy", "", true, "one proxy is gone through; a chain is Options.ProxyChain of the package"},
	{"proxytunnel", "p", false, "https always goes through a tunnel, and http is forwarded, as in browsers; leave it out"},
	{"proxy-header", "", true, "what a proxy is sent is the browser's; credentials are --proxy-user"},
	{"connect-to", "", true, "use --resolve HOST:PORT:ADDR; the port stays the URL's"},
	{"unix-socket", "", true, "TCP alone is connected to"}, {"abstract-unix-socket", "", true, "TCP alone is connected to"},
	{"doh-url", "", true, "names are looked up as the system does; use --resolve"}, {"dns-servers", "", true, "names are looked up as the system does; use --resolve"},
	{"local-port", "", true, "the system chooses the port; the address is --interface"},
	{"continue-at", "C", true, "ask for the rest with -r OFFSET- and add it to the file"},
	{"remote-header-name", "J", false, "the origin does not choose file names here; use -O or -o"},
	{"remote-name-all", "", false, "-O is for all URLs; use that"}, {"create-dirs", "", false, "make the directory first"}, {"output-dir", "", true, "write the directory into -o"},
	{"limit-rate", "", true, "the rate is not limited; leave it out"}, {"speed-limit", "Y", true, "use --max-time"}, {"speed-time", "y", true, "use --max-time"},
	{"time-cond", "z", true, "use -H 'If-Modified-Since: …'"}, {"etag-save", "", true, "see the ETag with -i"}, {"etag-compare", "", true, "use -H 'If-None-Match: …'"},
	{"raw", "", false, "ask for the body as it is: -H 'Accept-Encoding: identity'"}, {"tr-encoding", "", false, "no browser asks for TE; leave it out"},
	{"path-as-is", "", false, "paths are always sent as they stand; leave it out"}, {"url-query", "", true, "use -G with --data-urlencode"},
	{"next", ":", false, "run mien get once more; cookies go from one to the next with -c and -b"}, {"parallel", "Z", false, "URLs are asked one after the other; see mien fetch"},
	{"config", "K", true, "flags are not read from a file; leave it out"}, {"disable", "q", false, "no file with flags is read; leave it out"},
	{"trace", "", true, "use -v, which shows the header fields in order"}, {"trace-ascii", "", true, "use -v, which shows the header fields in order"},
	{"request-target", "", true, "the target is the URL's; no browser sends another"}, {"haproxy-protocol", "", false, "no browser sends it"}, {"expect100-timeout", "", true, "no browser waits for 100; leave it out"},
	{"proto", "", true, "http and https are spoken; leave it out"}, {"proto-redir", "", true, "redirects lead to http and https alone; leave it out"}, {"ssl-no-revoke", "", false, "revocation is not asked about; leave it out"},
}

func (o *getOptions) registerRefused(cmd *cobra.Command) {
	f := cmd.Flags()
	for _, r := range refusedFlags {
		flag := f.VarPF(&refusedFlag{into: &o.refused, refusal: refusal{r.name, r.why}, boolean: !r.takes}, r.name, r.short, r.why)
		flag.Hidden = true
		if !r.takes {
			flag.NoOptDefVal = "true"
		}
	}
}

// refusedFlag notes that it was given.
type refusedFlag struct {
	into    *[]refusal
	refusal refusal
	boolean bool
}

func (f *refusedFlag) String() string { return "" }
func (f *refusedFlag) Type() string {
	if f.boolean {
		return "bool"
	}
	return "value"
}
func (f *refusedFlag) Set(string) error {
	*f.into = append(*f.into, f.refusal)
	return nil
}
