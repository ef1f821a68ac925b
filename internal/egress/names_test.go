package egress

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestParseHosts(t *testing.T) {
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	given := map[string][]netip.Addr{"Origin.TEST": {a, b}, "bücher.example.": {b}, "under_score.test": {a}, "localhost": {a}}
	hosts, err := ParseHosts(given)
	if err != nil || len(hosts) != 4 || !slices.Equal(hosts["origin.test"], []netip.Addr{a, b}) || hosts["xn--bcher-kva.example"] == nil {
		t.Errorf("%v, %v", hosts, err)
	}
	given["Origin.TEST"][0] = b // the caller's own
	if hosts["origin.test"][0] != a {
		t.Error("the caller's slice was kept")
	}
	if hosts, err := ParseHosts(nil); hosts != nil || err != nil {
		t.Error(hosts, err)
	}
	for _, tt := range []struct {
		reason string
		given  map[string][]netip.Addr
	}{
		{`"": the host is missing`, map[string][]netip.Addr{"": {a}}},
		{`".": the host is missing`, map[string][]netip.Addr{".": {a}}},
		{`"a b": the host holds`, map[string][]netip.Addr{"a b": {a}}},
		{`"a:443": it is not a name alone`, map[string][]netip.Addr{"a:443": {a}}},
		{`"http://a": it is not a name alone`, map[string][]netip.Addr{"http://a": {a}}},
		{`"a\x00": the host holds`, map[string][]netip.Addr{"a\x00": {a}}},
		{`"*.test": it holds an asterisk`, map[string][]netip.Addr{"*.test": {a}}},
		{`"a..": a label is empty`, map[string][]netip.Addr{"a..": {a}}},
		{`"a..test": a label is empty`, map[string][]netip.Addr{"a..test": {a}}},
		{`"192.0.2.9": it is an address`, map[string][]netip.Addr{"192.0.2.9": {a}}},
		{`"::1": it is an address`, map[string][]netip.Addr{"::1": {a}}},
		{`"a.test": it has no address`, map[string][]netip.Addr{"a.test": nil}},
		{`"a.test": one of its addresses is the zero value`, map[string][]netip.Addr{"a.test": {a, {}}}},
		{`"a.test": nothing can be connected to at 0.0.0.0`, map[string][]netip.Addr{"a.test": {netip.IPv4Unspecified()}}},
		{`"a.test": nothing can be connected to at ff02::1`, map[string][]netip.Addr{"a.test": {netip.MustParseAddr("ff02::1")}}},
		{`it is the same name as "`, map[string][]netip.Addr{"a.test": {a}, "A.test.": {b}}},
		{`"\u202e.test": it is not a valid international name`, map[string][]netip.Addr{"\u202e.test": {a}}},
		{"longer than the 253 bytes", map[string][]netip.Addr{strings.Repeat("a.", 130) + "test": {a}}},
	} {
		if hosts, err := ParseHosts(tt.given); err == nil || !strings.Contains(err.Error(), tt.reason) || hosts != nil {
			t.Errorf("%v, %v; want %s", hosts, err, tt.reason)
		}
	}
}

// What the caller says of a name is asked of nobody, and of names behind a proxy
// nobody here is asked.
func TestHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hosts, err := ParseHosts(map[string][]netip.Addr{
			"origin.test": {netip.MustParseAddr("192.0.2.1")},
			"proxy.test":  {netip.MustParseAddr("192.0.2.2")},
			"localhost":   {netip.MustParseAddr("192.0.2.1")},
		})
		if err != nil {
			t.Fatal(err)
		}
		n := connects(t, refused())
		d := n.dialer(Config{Resolver: noResolver{t}, Hosts: hosts, Answers: time.Minute})
		for _, host := range []string{"Origin.Test", "origin.test.", "localhost"} {
			n.tried = nil
			if err := dialName(t, d, host); err == nil || len(n.tried) != 1 || !strings.HasPrefix(n.tried[0], "192.0.2.1@") {
				t.Errorf("%s: tried %q, %v", host, n.tried, err)
			}
		}
		n.tried = nil
		_, err = d.Dial(t.Context(), routeOf(t, "http://PROXY.test"), "origin.test", "443")
		if err == nil || len(n.tried) != 1 || !strings.HasPrefix(n.tried[0], "192.0.2.2@") {
			t.Errorf("tried %q, %v", n.tried, err)
		}
	})
}

func FuzzParseHosts(f *testing.F) {
	for _, name := range []string{"origin.test", "bücher.example.", "a..b", "*.x", "[::1]", "\xff", "xn--a"} {
		f.Add(name)
	}
	a := netip.MustParseAddr("192.0.2.1")
	f.Fuzz(func(t *testing.T, name string) {
		hosts, err := ParseHosts(map[string][]netip.Addr{name: {a}})
		if err != nil {
			return
		}
		for host := range hosts {
			again, err := ParseHosts(map[string][]netip.Addr{host: {a}})
			if err != nil || again[host] == nil || host != canonical(host) || !isASCII(host) {
				t.Errorf("%q became %q, which became %v, %v", name, host, again, err)
			}
		}
	})
}
