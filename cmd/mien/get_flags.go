package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// getOptions are the flags of "mien get".
type getOptions struct {
	profile, dest string

	method     string
	headers    []string
	data       []datum
	form       []formField
	upload     string
	query      bool // --get
	head       bool
	agent      string
	agentSet   bool
	referer    string
	user       string
	bearer     string
	byteRange  string
	cookies    []string
	cookieJar  string
	globOff    bool
	cacert     string
	insecure   bool
	cert, key  string
	pins       string
	http1      bool
	resolve    []string
	ipv4, ipv6 bool
	localAddr  string

	proxy         string
	proxyUser     string
	proxyCACert   string
	proxyInsecure bool
	noProxy       string

	maxTime, connectTime seconds
	retries              int
	retriesSet           bool
	maxAttempts          int
	noFollow             bool
	maxRedirs            int
	redirsSet            bool

	outputs           []string
	remoteName        bool
	include           bool
	dumpHead          string
	silent, showError bool
	verbose           bool
	showSecrets       bool
	writeOut          string
	report            bool
	fail, failBody    bool

	refused []refusal
}

// register makes flags of o. Where curl has a flag of that name, it means the same.
func (o *getOptions) register(cmd *cobra.Command) {
	o.registerRequest(cmd)
	o.registerConnection(cmd)
	o.registerOutput(cmd)
	o.registerRefused(cmd)
	for _, group := range [][]string{
		{"report", "include"}, {"report", "output"}, {"report", "remote-name"}, {"report", "write-out"},
		{"no-follow", "location"}, {"no-follow", "max-redirs"},
		{"head", "request"}, {"head", "form"}, {"head", "upload-file"},
		{"form", "upload-file"}, {"get", "form"}, {"get", "upload-file"}, {"get", "json"},
		{"user", "oauth2-bearer"}, {"ipv4", "ipv6"}, {"max-attempts", "retry"}, {"http1.1", "http2"},
		{"fail", "fail-with-body"}, {"timeout", "max-time"}, {"cacert", "insecure"},
	} {
		cmd.MarkFlagsMutuallyExclusive(group...)
	}
}

func (o *getOptions) registerRequest(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.profile, "profile", "chrome", "browser to look like, by `name`, see mien profiles; or a profile's file")
	f.StringVar(&o.dest, "dest", "", "what in a page asks for it, in the Fetch standard's `word`: "+strings.Join(destinations(), ", ")+"; default: a GET or a form is a document, all else is empty, which is fetch()")
	f.StringVarP(&o.method, "request", "X", "", "request `method` (GET, or POST with data, or PUT with -T)")
	f.StringVar(&o.method, "method", "", "the same as --request")
	_ = f.MarkHidden("method") // fails for a flag that does not exist alone
	f.StringArrayVarP(&o.headers, "header", "H", nil, "`'Name: value'`; 'Name:' leaves the profile's field out, 'Name;' sends an empty one; @FILE: one a line; repeatable")
	f.VarP(&dataFlag{&o.data, dataText}, "data", "d", "send `data` as a form's; @FILE reads a file without its line ends, @- standard input; several are joined by &")
	f.Var(&dataFlag{&o.data, dataText}, "data-ascii", "the same as --`data`")
	f.Var(&dataFlag{&o.data, dataRaw}, "data-raw", "the same, where @ has no meaning; `data`")
	f.Var(&dataFlag{&o.data, dataBinary}, "data-binary", "the same, where a file's line ends are kept; `data`")
	f.Var(&dataFlag{&o.data, dataEncoded}, "data-urlencode", "the same, percent-encoded: `content`, =content, name=content, @FILE, name@FILE")
	f.Var(&dataFlag{&o.data, dataJSON}, "json", "send this `JSON`, or @FILE, and ask for JSON: Content-Type and Accept are application/json. (What came, as JSON: --report)")
	f.BoolVarP(&o.query, "get", "G", false, "put the data into the URL's query and send a GET")
	f.VarP(&formFlag{into: &o.form}, "form", "F", "part of a multipart form, `name=content`; name=@FILE sends a file, name=<FILE its text; with ;type= and ;filename= behind it; repeatable")
	f.Var(&formFlag{into: &o.form, literal: true}, "form-string", "the same, where @, < and ; have no meaning; `name=content`")
	f.StringVarP(&o.upload, "upload-file", "T", "", "PUT this `file`, - for standard input; its name is added to a URL that ends with a slash")
	f.BoolVarP(&o.head, "head", "I", false, "send HEAD and print status and header fields")
	f.StringVarP(&o.agent, "user-agent", "A", "", "User-Agent, in place of the profile's `name`; what else tells the browser stays the profile's")
	f.StringVarP(&o.referer, "referer", "e", "", "`URL` of the page that a link on leads here: Referer as a browser would send it, Sec-Fetch-Site and Origin to match; for an exact one: -H 'Referer: …'")
	f.StringVarP(&o.user, "user", "u", "", "`user:password` as Authorization: Basic; no password is asked for")
	f.Bool("basic", true, "how --user is sent, which is the only way")
	f.StringVar(&o.bearer, "oauth2-bearer", "", "`token` as Authorization: Bearer")
	f.StringVarP(&o.byteRange, "range", "r", "", "ask for these `bytes` alone: 0-499, 500-, -500")
	f.StringArrayVarP(&o.cookies, "cookie", "b", nil, "`'name=value; name=value'`, for each URL's host; or a file to read: Netscape's format or what --cookie-jar wrote; repeatable")
	f.StringVarP(&o.cookieJar, "cookie-jar", "c", "", "write all cookies to this `file` at the end, in Netscape's format; as JSON with every attribute if its name ends with .json; - for standard output")
	f.BoolVarP(&o.globOff, "globoff", "g", false, "take {, }, [ and ] in URLs as they stand")
}

func (o *getOptions) registerConnection(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.cacert, "cacert", "", "trust the certificates in this PEM `file`, and no others")
	f.BoolVarP(&o.insecure, "insecure", "k", false, "do not verify the server's certificate")
	f.StringVarP(&o.cert, "cert", "E", "", "client certificate in this PEM `file`, with the key unless --key has it")
	f.StringVar(&o.key, "key", "", "private key of --cert, in this PEM `file`, not encrypted")
	f.StringVar(&o.pins, "pinnedpubkey", "", "SHA-256 of the server's key in base64, `sha256//KEY`; several joined by ;")
	f.BoolVar(&o.http1, "http1.1", false, "speak HTTP/1.1: the hello names no protocol (ALPN), by which it can be told from the browser's")
	f.Bool("http2", true, "offer HTTP/2 and HTTP/1.1, which is the default")
	f.StringArrayVar(&o.resolve, "resolve", nil, "connect to these addresses for a name: `HOST:PORT:ADDR[,ADDR...]`, IPv6 in brackets; repeatable")
	f.BoolVarP(&o.ipv4, "ipv4", "4", false, "connect to IPv4 addresses alone")
	f.BoolVarP(&o.ipv6, "ipv6", "6", false, "connect to IPv6 addresses alone")
	f.StringVar(&o.localAddr, "interface", "", "`address` of this machine to connect from")
	f.StringVarP(&o.proxy, "proxy", "x", "", "`URL` of a proxy, [scheme://][user:password@]host[:port]: http (the default), https, socks5, socks5h, socks4, socks4a; names always go to the proxy")
	f.StringVarP(&o.proxyUser, "proxy-user", "U", "", "`user:password` for the proxy")
	f.StringVar(&o.proxyCACert, "proxy-cacert", "", "trust the certificates in this PEM `file`, and no others, of an https proxy")
	f.BoolVar(&o.proxyInsecure, "proxy-insecure", false, "do not verify the certificate of an https proxy")
	f.StringVar(&o.noProxy, "noproxy", "", "`hosts` to go to directly, with all below them: example.com,10.0.0.0/8; *: all")
	f.Var(&o.connectTime, "connect-timeout", "limit for each of name and TCP, the proxy, TLS, in `seconds`; or such as 500ms")
	f.VarP(&o.maxTime, "max-time", "m", "limit for all of a URL, in `seconds`; or such as 500ms")
	f.Var(&o.maxTime, "timeout", "the same as --max-time, `seconds`")
	f.IntVar(&o.retries, "retry", 0, "try again that `often`, after 408, 429, 500, 502, 503 and 504 too; what must not be sent twice (POST) is not")
	f.IntVar(&o.maxAttempts, "max-attempts", 0, "how often a request is tried in all (default 4), after no status; 1: nothing is tried again, connections neither")
	f.BoolP("location", "L", true, "follow redirects, which is the default")
	f.BoolVar(&o.noFollow, "no-follow", false, "do not follow redirects")
	f.IntVar(&o.maxRedirs, "max-redirs", 20, "how many redirects are followed; 0: the first is an error; -1: any number")
	f.Bool("compressed", true, "ask for compressed bodies and decode them, which is the default")
}

func (o *getOptions) registerOutput(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVarP(&o.outputs, "output", "o", nil, "write the body to this `file`, - for standard output; the nth is the nth URL's")
	f.BoolVarP(&o.remoteName, "remote-name", "O", false, "write the body to a file named as the URL's last part, here")
	f.BoolVarP(&o.include, "include", "i", false, "print status and header fields before the body")
	f.StringVarP(&o.dumpHead, "dump-header", "D", "", "write status and header fields to this `file`, - for standard output")
	f.BoolVarP(&o.silent, "silent", "s", false, "print no progress and no errors")
	f.BoolVarP(&o.showError, "show-error", "S", false, "with --silent: print errors")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "tell on standard error what happens and what is sent (>) and received (<)")
	f.BoolVar(&o.showSecrets, "show-secrets", false, "with --verbose: credentials and cookies too")
	f.StringVarP(&o.writeOut, "write-out", "w", "", "print this `format` at the end: %{http_code}, %{time_total}, … ; @FILE reads it")
	f.BoolVar(&o.report, "report", false, "print one JSON object for each URL: url, status, protocol, headers, body or error")
	f.BoolVarP(&o.fail, "fail", "f", false, "exit with 1, without the body, if the status is 400 or more")
	f.BoolVar(&o.failBody, "fail-with-body", false, "the same, with the body")
}

// seconds is a duration as curl writes it, 2.5, or as Go does, 2s500ms.
type seconds time.Duration

func (s *seconds) String() string {
	if *s == 0 {
		return ""
	}
	return time.Duration(*s).String()
}
func (s *seconds) Type() string { return "seconds" }

func (s *seconds) Set(text string) error {
	d, err := time.ParseDuration(text)
	if n, e := strconv.ParseFloat(text, 64); e == nil {
		if !(n >= 0 && n < 1e9) { // not a number is neither
			return fmt.Errorf("it is from 0, which is no limit, to a thousand million seconds")
		}
		d, err = time.Duration(n*float64(time.Second)), nil
	}
	switch {
	case err != nil:
		return fmt.Errorf("it is seconds, such as 2.5, or a duration, such as 500ms")
	case d < 0:
		return fmt.Errorf("it must not be negative")
	}
	*s = seconds(d)
	return nil
}
