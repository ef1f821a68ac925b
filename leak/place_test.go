package leak_test

// place is where the servers are, for the client.
type place struct {
	CA      []byte            // PEM, of the origins
	ProxyCA []byte            // PEM, of the https proxy
	Near    string            // host of the first proxy
	Far     string            // host of further ones
	Ports   map[string]string // of the proxies, by family
	Closed  string            // host:port where a proxy might be, and nobody is
	Nowhere string            // host:port that no route leads to; "": there is none
	Origin  string            // IPv4 address of the origins
	Origin6 string            // IPv6 address of one more; "": there is none
	Sites   map[string]string // ports of the origins: h2, h1, plain, and six at Origin6
}
