package mien_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// remote controls a browser over a WebSocket, by the DevTools protocol or by
// WebDriver BiDi: both number their calls and send events in between.
type remote struct {
	c     *websocket.Conn
	id    int
	event func(e *remoteMessage) error
}

type remoteMessage struct {
	ID      int             `json:"id"`
	Method  string          `json:"method"`
	Session string          `json:"sessionId"`
	Params  json.RawMessage `json:"params"`
	Result  json.RawMessage `json:"result"`
	Error   json.RawMessage `json:"error"`
}

type params map[string]any

func dialRemote(ctx context.Context, url string) (*remote, error) {
	c, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		return nil, err
	}
	c.SetReadLimit(4 << 20)
	return &remote{c: c, event: func(*remoteMessage) error { return nil }}, nil
}

// send makes a call whose answer nobody needs.
func (r *remote) send(ctx context.Context, session, method string, p params) error {
	r.id++
	call := params{"id": r.id, "method": method, "params": p}
	if session != "" {
		call["sessionId"] = session
	}
	b, err := json.Marshal(call)
	if err != nil {
		return err
	}
	return r.c.Write(ctx, websocket.MessageText, b)
}

// call makes a call, waits for its answer, and puts that into result.
func (r *remote) call(ctx context.Context, session, method string, p params, result any) error {
	if err := r.send(ctx, session, method, p); err != nil {
		return err
	}
	m, err := r.until(ctx, r.id)
	if err == nil && len(m.Error) > 0 {
		err = errors.New(string(m.Error))
	}
	if err == nil && result != nil {
		err = json.Unmarshal(m.Result, result)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	return nil
}

// until handles events until the answer to the call id comes; -1: for good.
func (r *remote) until(ctx context.Context, id int) (*remoteMessage, error) {
	for {
		_, b, err := r.c.Read(ctx)
		if err != nil {
			return nil, err
		}
		m := new(remoteMessage)
		if err := json.Unmarshal(b, m); err != nil {
			return nil, err
		}
		if m.Method == "" && m.ID == id {
			return m, nil
		}
		if m.Method != "" {
			if err := r.event(m); err != nil {
				return nil, err
			}
		}
	}
}

// appears gives the content of a file that a browser writes when it is ready.
func appears(ctx context.Context, path string) (string, error) {
	for {
		if b, err := os.ReadFile(path); err == nil && len(b) > 0 {
			return string(b), nil
		}
		select {
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case <-time.After(20 * time.Millisecond): // another process: there is nothing to wait on
		}
	}
}

// The credentials that a browser gives to the proxy that asks for some.
const liveUser, livePassword = "Aladdin", "open sesame"

// driveChromium has Chromium visit url, and answers the proxy's 407.
func driveChromium(ctx context.Context, profile, url string, auth bool) error {
	where, err := appears(ctx, filepath.Join(profile, "DevToolsActivePort"))
	if err != nil {
		return err
	}
	r, err := dialRemote(ctx, "ws://127.0.0.1:"+strings.Join(strings.Fields(where), ""))
	if err != nil {
		return err
	}
	defer r.c.CloseNow()
	r.event = func(e *remoteMessage) error {
		var paused struct {
			RequestID string `json:"requestId"`
		}
		if err := json.Unmarshal(e.Params, &paused); err != nil {
			return err
		}
		switch e.Method {
		case "Fetch.requestPaused":
			return r.send(ctx, e.Session, "Fetch.continueRequest", params{"requestId": paused.RequestID})
		case "Fetch.authRequired":
			return r.send(ctx, e.Session, "Fetch.continueWithAuth", params{"requestId": paused.RequestID,
				"authChallengeResponse": params{"response": "ProvideCredentials", "username": liveUser, "password": livePassword}})
		}
		return nil
	}
	var list struct {
		Targets []struct {
			ID   string `json:"targetId"`
			Type string `json:"type"`
		} `json:"targetInfos"`
	}
	if err := r.call(ctx, "", "Target.getTargets", params{}, &list); err != nil {
		return err
	}
	for _, target := range list.Targets {
		if target.Type != "page" {
			continue
		}
		var attached struct {
			Session string `json:"sessionId"`
		}
		if err := r.call(ctx, "", "Target.attachToTarget", params{"targetId": target.ID, "flatten": true}, &attached); err != nil {
			return err
		}
		if auth {
			if err := r.call(ctx, attached.Session, "Fetch.enable", params{"handleAuthRequests": true}, nil); err != nil {
				return err
			}
		}
		if err := r.send(ctx, attached.Session, "Page.navigate", params{"url": url}); err != nil {
			return err
		}
		_, err := r.until(ctx, -1)
		return err
	}
	return errors.New("the browser has no page")
}

// driveFirefox is driveChromium for Firefox.
func driveFirefox(ctx context.Context, profile, url string, auth bool) error {
	where, err := appears(ctx, filepath.Join(profile, "WebDriverBiDiServer.json"))
	if err != nil {
		return err
	}
	var server struct {
		Host string `json:"ws_host"`
		Port int    `json:"ws_port"`
	}
	if err := json.Unmarshal([]byte(where), &server); err != nil {
		return err
	}
	r, err := dialRemote(ctx, "ws://"+net.JoinHostPort(server.Host, strconv.Itoa(server.Port))+"/session")
	if err != nil {
		return err
	}
	defer r.c.CloseNow()
	r.event = func(e *remoteMessage) error {
		if e.Method != "network.authRequired" {
			return nil
		}
		var wanted struct {
			Request struct {
				ID string `json:"request"`
			} `json:"request"`
		}
		if err := json.Unmarshal(e.Params, &wanted); err != nil {
			return err
		}
		return r.send(ctx, "", "network.continueWithAuth", params{"request": wanted.Request.ID, "action": "provideCredentials",
			"credentials": params{"type": "password", "username": liveUser, "password": livePassword}})
	}
	if err := r.call(ctx, "", "session.new", params{"capabilities": params{}}, nil); err != nil {
		return err
	}
	if auth {
		if err := r.call(ctx, "", "session.subscribe", params{"events": []string{"network.authRequired"}}, nil); err != nil {
			return err
		}
		if err := r.call(ctx, "", "network.addIntercept", params{"phases": []string{"authRequired"}}, nil); err != nil {
			return err
		}
	}
	var tree struct {
		Contexts []struct {
			ID string `json:"context"`
		} `json:"contexts"`
	}
	if err := r.call(ctx, "", "browsingContext.getTree", params{}, &tree); err != nil {
		return err
	}
	if len(tree.Contexts) == 0 {
		return errors.New("the browser has no page")
	}
	if err := r.send(ctx, "", "browsingContext.navigate", params{"context": tree.Contexts[0].ID, "url": url, "wait": "none"}); err != nil {
		return err
	}
	_, err = r.until(ctx, -1)
	return err
}
