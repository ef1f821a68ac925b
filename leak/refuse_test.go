package leak_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/mien-http/mien"
)

// elsewhere points the way at another host:port; a place without it has no case.
func elsewhere(at func(*place) string) func(*place, *way, []*url.URL, *mien.Config, *mien.Options) bool {
	return func(p *place, _ *way, proxies []*url.URL, _ *mien.Config, _ *mien.Options) bool {
		proxies[0].Host = at(p)
		return at(p) != ""
	}
}

func unknownScheme(_ *place, w *way, proxies []*url.URL, _ *mien.Config, _ *mien.Options) bool {
	proxies[w.faulty].Scheme = "ftp"
	return true
}

// badBeforeGood names a proxy that cannot be used for the request, and a good
// one for the session, which must not step in.
func badBeforeGood(_ *place, _ *way, proxies []*url.URL, cfg *mien.Config, o *mien.Options) bool {
	good, bad := *proxies[0], *proxies[0]
	bad.Scheme = "ftp"
	cfg.Proxy = http.ProxyURL(&good)
	*o = mien.Options{Proxy: &bad}
	return true
}

// choiceFails makes the error that most functions of this kind make: of a URL
// that does not parse, with the password in its text.
func choiceFails(_ *place, _ *way, _ []*url.URL, cfg *mien.Config, o *mien.Options) bool {
	cfg.Proxy = func(*http.Request) (*url.URL, error) {
		return url.Parse("http://" + //nolint:staticcheck // that it does not parse is the point
			secretUser + ":" + secretPassword + "@[::1")
	}
	*o = mien.Options{}
	return true
}

// choiceFailed expects the error of choiceFails. What it unwraps to is the
// caller's own, so that its text alone is looked at.
func choiceFailed(kind string) func(*client) error {
	return func(c *client) error {
		req, err := http.NewRequestWithContext(c.ctx, http.MethodGet, c.url(kind, "a", "/"), nil)
		if err != nil {
			return err
		}
		resp, err := c.session.Do(req)
		if err == nil {
			resp.Body.Close()
			return errors.New("sent, without a proxy to send it by")
		}
		c.said.add(err)
		if !strings.Contains(err.Error(), "Config.Proxy") {
			return fmt.Errorf("the error does not name Config.Proxy: %w", err)
		}
		return nil
	}
}

// failsSecondTime has Config.Proxy name the proxy once and then fail.
func failsSecondTime(_ *place, w *way, proxies []*url.URL, cfg *mien.Config, _ *mien.Options) bool {
	var asked atomic.Int32
	cfg.Proxy = func(*http.Request) (*url.URL, error) {
		if asked.Add(1) > 1 {
			return nil, errors.New("no proxy is left")
		}
		return proxies[0], nil
	}
	return strings.HasSuffix(w.name, "by Config")
}
