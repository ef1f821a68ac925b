package capture

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

var (
	//go:embed pages/front.html
	frontHTML string
	//go:embed pages/flow.js
	flowJS string
	//go:embed pages/connections.js
	connectionsJS string
)

// pages answers the requests to one origin.
type pages struct {
	part   *Part   // whose last request is told; nil: of none
	closes bool    // every connection ends with its first answer
	visits []visit // what the front page opens connections to; nil: it sends requests of every kind
}

// visit is a number of connections to an origin.
type visit struct {
	url   string // "": the page's own
	count int
}

// maxContent is as much of a request's content as is read, in bytes.
const maxContent = 1 << 20

// download is how long the long answer is, in bytes: browsers give credit a few
// times in it. Of a longer one Gecko's window runs low, and it gives credit in small
// pieces then, which say nothing of its usual amount.
const download = 10 << 20

func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxContent))
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if o := r.Header.Get("Origin"); o != "" {
		h.Set("Access-Control-Allow-Origin", o)
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Access-Control-Allow-Headers", "content-type, authorization, x-custom-header")
		h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE")
	}
	if p.closes || strings.HasPrefix(kindName(r.URL.Path), "goaway") {
		h.Set("Connection", "close") // over HTTP/2: GOAWAY
	}
	p.answer(w, r)
	if p.part != nil && r.URL.Path == p.part.stop {
		p.part.once.Do(func() { close(p.part.ended) })
	}
}

func (p *pages) answer(w http.ResponseWriter, r *http.Request) {
	h, name := w.Header(), kindName(r.URL.Path)
	text := func(contentType, body string) {
		h.Set("Content-Type", contentType)
		h.Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = io.WriteString(w, body)
	}
	switch {
	case r.Method == http.MethodOptions:
		w.WriteHeader(http.StatusNoContent)
	case r.Header.Get("Upgrade") != "" || r.Method == http.MethodConnect:
		http.Error(w, "the request has been seen", http.StatusBadRequest)
	case r.URL.Path == "/":
		p.front(w, r)
	case name == "flow.js":
		text("text/javascript", flowJS)
	case strings.HasPrefix(name, "redir"):
		p.redirect(w, r, name)
	case strings.HasPrefix(name, "xredir"):
		http.Redirect(w, r, strings.Replace(originOf(r), homeHost, "www.other.test", 1)+"/k/after-"+name, http.StatusFound)
	case name == "form-urlenc":
		http.Redirect(w, r, "/k/after-form-post-302", http.StatusFound)
	case scripts[name] != "":
		text("text/html; charset=utf-8", page(scripts[name]))
	case strings.HasPrefix(name, "iframe"), name == "done":
		text("text/html; charset=utf-8", page(""))
	case name == "etag.png":
		h.Set("Cache-Control", "max-age=0, must-revalidate")
		h.Set("ETag", `"v1"`)
		h.Set("Last-Modified", "Mon, 01 Jun 2026 00:00:00 GMT")
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		text("image/png", pixel)
	case strings.HasSuffix(name, ".png"), name == "favicon.ico":
		text("image/png", pixel)
	case strings.HasSuffix(name, ".css"):
		text("text/css", "@font-face{font-family:f;src:url(/k/font.woff2)}body{font-family:f;background:url(/k/css-bg.png)}")
	case strings.HasSuffix(name, ".js"):
		text("text/javascript", "/**/")
	case strings.HasSuffix(name, ".woff2"), strings.HasSuffix(name, ".mp4"):
		http.NotFound(w, r)
	case name == "sse":
		text("text/event-stream", "data: 1\n\n")
	case strings.HasPrefix(name, "slow"):
		pause(r, 300*time.Millisecond)
		text("application/json", "{}")
	case name == "big":
		big(w)
	default:
		text("application/json", "{}")
	}
}

// pixel is an image of one point.
const pixel = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\x89\x99=\x1d\x00\x00\x00\x00IEND\xaeB`\x82"

// front is the page that the browser is told to open.
func (p *pages) front(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	if p.visits != nil {
		type pair struct {
			URL   string `json:"url"`
			Count int    `json:"count"`
		}
		var list []pair
		for _, v := range p.visits {
			list = append(list, pair{v.url, v.count})
		}
		plan, err := json.Marshal(list)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, page("const plan="+string(plan)+";"+connectionsJS))
		return
	}
	secure := ""
	if r.TLS != nil {
		secure = "; Secure"
		h.Add("Set-Cookie", "none=x1; Path=/; SameSite=None; Secure")
	}
	h.Add("Set-Cookie", "sid=abc123; Path=/; HttpOnly"+secure)
	h.Add("Set-Cookie", "theme=dark; Path=/; Max-Age=86400")
	h.Add("Set-Cookie", "long="+strings.Repeat("0123456789abcdef", 8)+"; Path=/; SameSite=Lax"+secure)
	_, _ = io.WriteString(w, frontHTML)
}

// redirect answers redir302-x with a 302 to after-redir302-x.
func (p *pages) redirect(w http.ResponseWriter, r *http.Request, name string) {
	code, err := strconv.Atoi(strings.TrimPrefix(name, "redir")[:min(3, len(name)-len("redir"))])
	if err != nil || code < 300 || code > 399 {
		http.NotFound(w, r)
		return
	}
	http.Redirect(w, r, "/k/after-"+name, code)
}

func originOf(r *http.Request) string {
	if r.TLS == nil {
		return "http://" + r.Host
	}
	return "https://" + r.Host
}

func pause(r *http.Request, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}

func big(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(download))
	piece := make([]byte, 64<<10)
	for range download / len(piece) {
		if _, err := w.Write(piece); err != nil {
			return
		}
	}
}

// page is one that runs a script once it is there.
func page(script string) string {
	return fmt.Sprintf(`<!doctype html><link rel=icon href=data:,><title>mien capture</title><body><script>
const at = host => location.protocol + '//' + host + ':' + location.port;
const later = f => setTimeout(f, 50);
const form = (action, inner, type) => { const f = document.createElement('form');
  f.method = 'POST'; f.action = action; f.innerHTML = inner; if (type) f.enctype = type;
  document.body.append(f); return f; };
%s</script>`, script)
}

// scripts of the pages that the browser goes through at the end, each on to the
// next: what navigations there are.
var scripts = map[string]string{
	"nav-a": `if (performance.getEntriesByType('navigation')[0].type != 'reload') later(() => location.reload());
		else later(() => location.href = '/k/nav-b');`,
	"nav-b": `const f = form('/k/form-urlenc', '<input name=a value="1 2"><input name=b value="&=x">'); later(() => f.submit());`,
	"after-form-post-302": `const f = form('/k/form-multipart', '<input name=a value="1 2"><input type=file name=f>', 'multipart/form-data');
		const d = new DataTransfer(); d.items.add(new File(['content'], 'a.txt', {type: 'text/plain'}));
		f.querySelector('[type=file]').files = d.files; later(() => f.submit());`,
	"form-multipart":      `const f = form('/k/redir307-form', '<input name=a value=1>'); later(() => f.submit());`,
	"after-redir307-form": `later(() => location.href = '/k/redir302-nav');`,
	"after-redir302-nav":  `later(() => location.href = '/k/xredir-nav');`,
	"after-xredir-nav":    `later(() => location.href = at('www.shop.test') + '/k/from-cross?x=1');`,
	"from-cross": `const a = document.createElement('a'); a.href = at('www.other.test') + '/k/link-click'; a.textContent = 'on';
		document.body.append(a); later(() => a.click());`,
	"link-click": `const f = form(at('www.shop.test') + '/k/form-cross', '<input name=a value=1>'); later(() => f.submit());`,
	"form-cross": `later(() => location.href = '/k/done');`,
}
