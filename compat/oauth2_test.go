package compat_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

// authority is an OAuth 2.0 server and the resource it guards.
type authority struct {
	issued atomic.Int64 // tokens; each is "token-" and its number
	forms  chan string  // what the token end point was asked
}

func (a *authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/token":
		id, secret, _ := r.BasicAuth()
		_ = r.ParseForm()
		if id != "id" || secret != "secret" {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"error":"invalid_client","error_description":"who?"}`)
			return
		}
		a.forms <- r.PostForm.Get("grant_type") + " " + r.PostForm.Get("scope") + " " + r.PostForm.Get("refresh_token")
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"access_token": fmt.Sprint("token-", a.issued.Add(1)), "token_type": "Bearer", "expires_in": 3600, "refresh_token": "r2",
		})
	case "/away":
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusFound)
	default:
		_, _ = io.WriteString(w, r.Header.Get("Authorization")+"|"+r.Header.Get("User-Agent"))
	}
}

func TestOAuth2ClientCredentials(t *testing.T) {
	a := &authority{forms: make(chan string, 10)}
	onEachWire(t, a, func(t *testing.T, s *mien.Session, o *mientest.Origin) {
		a.issued.Store(0)
		ctx := context.WithValue(timeout(t), oauth2.HTTPClient, s.Client())
		cfg := clientcredentials.Config{
			ClientID: "id", ClientSecret: "secret", TokenURL: named(o) + "/token",
			Scopes: []string{"read", "write"}, AuthStyle: oauth2.AuthStyleInParams,
		}
		_, err := cfg.Token(ctx)
		var refused *oauth2.RetrieveError
		if !errors.As(err, &refused) || refused.ErrorCode != "invalid_client" {
			t.Errorf("refused credentials: %v", err)
		}

		cfg.AuthStyle = oauth2.AuthStyleInHeader
		c := cfg.Client(ctx)
		for range 2 {
			resp, err := c.Get(named(o) + "/resource")
			check(t, err)
			if body := readAll(t, resp); !strings.HasPrefix(body, "Bearer token-1|Mozilla/5.0 ") {
				t.Errorf("the resource saw %q", body)
			}
		}
		if form := <-a.forms; form != "client_credentials read write " || a.issued.Load() != 1 {
			t.Errorf("the form was %q, %d tokens were issued", form, a.issued.Load())
		}
	})
}

func TestOAuth2Refresh(t *testing.T) {
	a := &authority{forms: make(chan string, 10)}
	onEachWire(t, a, func(t *testing.T, s *mien.Session, o *mientest.Origin) {
		a.issued.Store(0)
		ctx := context.WithValue(timeout(t), oauth2.HTTPClient, s.Client())
		cfg := oauth2.Config{ClientID: "id", ClientSecret: "secret", Endpoint: oauth2.Endpoint{TokenURL: named(o) + "/token"}}
		c := cfg.Client(ctx, &oauth2.Token{AccessToken: "old", RefreshToken: "r1", Expiry: time.Now().Add(-time.Hour)})
		resp, err := c.Post(named(o)+"/resource", "text/plain", strings.NewReader("x"))
		check(t, err)
		if body := readAll(t, resp); !strings.HasPrefix(body, "Bearer token-1|") {
			t.Errorf("the resource saw %q", body)
		}
		if form := <-a.forms; form != "refresh_token  r1" {
			t.Errorf("the form was %q", form)
		}
	})
}

// TestOAuth2Redirect: oauth2's transport puts the token on every hop, by its
// design. The session takes it off where the origin changed.
func TestOAuth2Redirect(t *testing.T) {
	a := &authority{forms: make(chan string, 10)}
	elsewhere := newOrigin(t, mientest.Config{Handler: a})
	onEachWire(t, a, func(t *testing.T, s *mien.Session, o *mientest.Origin) {
		ctx := context.WithValue(timeout(t), oauth2.HTTPClient, s.Client())
		c := oauth2.NewClient(ctx, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "mine"}))
		for to, want := range map[string]string{named(o) + "/here": "Bearer mine|", named(elsewhere) + "/there": "|"} {
			resp, err := c.Get(named(o) + "/away?to=" + to)
			check(t, err)
			if body := readAll(t, resp); !strings.HasPrefix(body, want) {
				t.Errorf("after a redirect to %s: %q", to, body)
			}
		}
	})
}
