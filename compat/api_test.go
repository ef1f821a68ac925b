package compat_test

import (
	"encoding/json"
	"io"
	"net/http"
	"sync/atomic"

	"github.com/mien-http/mien/mientest"
)

// api is the origin of the tests of REST clients.
type api struct {
	mux   http.ServeMux
	calls atomic.Int64 // requests for paths below /flaky, /cut and /never
}

// echoed is what /echo says about a request.
type echoed struct {
	Method      string
	ContentType string
	Query       string
	Agent       string
	Custom      string
	Cookie      string
	User        string
	Form        map[string][]string
	Files       map[string]string
	Body        string
}

func newAPI() *api {
	a := &api{}
	a.mux.HandleFunc("/echo", echo)
	a.mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: "s1", Path: "/"})
		http.Redirect(w, r, "/echo?from=login", http.StatusSeeOther)
	})
	a.mux.HandleFunc("/again", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/echo", http.StatusTemporaryRedirect)
	})
	a.mux.HandleFunc("/flaky", func(w http.ResponseWriter, r *http.Request) { // the third time it works
		if a.calls.Add(1)%3 != 0 {
			_, _ = io.Copy(io.Discard, r.Body)
			http.Error(w, "not now", http.StatusServiceUnavailable)
			return
		}
		echo(w, r)
	})
	a.mux.HandleFunc("/cut", func(_ http.ResponseWriter, r *http.Request) { // the connection ends without an answer
		_, _ = io.Copy(io.Discard, r.Body)
		a.calls.Add(1)
		mientest.EndConnection(r, mientest.RST)
	})
	a.mux.HandleFunc("/never", func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		a.calls.Add(1)
		<-r.Context().Done()
	})
	a.mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(junk(1 << 20)) })
	return a
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

func echo(w http.ResponseWriter, r *http.Request) {
	e := echoed{
		Method:      r.Method,
		ContentType: r.Header.Get("Content-Type"),
		Query:       r.URL.RawQuery,
		Agent:       r.Header.Get("User-Agent"),
		Custom:      r.Header.Get("X-Custom"),
		Cookie:      r.Header.Get("Cookie"),
	}
	e.User, _, _ = r.BasicAuth()
	_ = r.ParseMultipartForm(1 << 20)
	e.Form = r.PostForm
	if r.MultipartForm != nil {
		e.Files = make(map[string]string)
		for name, files := range r.MultipartForm.File {
			f, err := files[0].Open()
			if err != nil {
				continue
			}
			b, _ := io.ReadAll(f)
			e.Files[name] = files[0].Filename + ":" + string(b)
		}
	}
	b, _ := io.ReadAll(r.Body)
	e.Body = string(b)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(&e)
}
