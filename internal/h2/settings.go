package h2

import (
	"golang.org/x/net/http2"
)

// peerSettings is what the peer's SETTINGS say, as far as it is used. Its
// owner is the connection's mutex.
type peerSettings struct {
	frameSize int
	window    int64 // SETTINGS_INITIAL_WINDOW_SIZE
	connect   bool  // SETTINGS_ENABLE_CONNECT_PROTOCOL
}

// onSettings handles SETTINGS (RFC 9113 §6.5). The framer does not validate
// the values.
func (c *Conn) onSettings(f *http2.SettingsFrame) *Error {
	c.mu.Lock()
	defer c.unlock()
	if c.reader.greeted {
		if e := c.flood.count(f.FrameHeader); e != nil {
			return e
		}
	}
	if f.IsAck() {
		return nil
	}
	if !c.reader.greeted {
		// A peer that sets no limit has none (RFC 9113 §6.5.2), but 100
		// streams are what is asked of it.
		c.reader.greeted = true
		c.changed = true
	}
	for i := range f.NumSettings() {
		if e := c.applySetting(f.Setting(i)); e != nil {
			return e
		}
	}
	return c.reply(appendSettingsAck)
}

// applySetting applies one entry. mu is held.
func (c *Conn) applySetting(s http2.Setting) *Error {
	if err := s.Valid(); err != nil {
		code := http2.ErrCodeProtocol
		if ofConn, ok := err.(http2.ConnectionError); ok {
			code = http2.ErrCode(ofConn)
		}
		return localFault(code, "invalid setting %v", s)
	}
	switch s.ID {
	case http2.SettingMaxConcurrentStreams:
		c.slots.limit = int(min(s.Val, maxStreamID))
		c.slots.grant()
		c.changed = true
	case http2.SettingInitialWindowSize:
		return c.resizeWindows(int64(s.Val))
	case http2.SettingMaxFrameSize:
		c.peer.frameSize = int(s.Val)
	case http2.SettingHeaderTableSize:
		c.enc.setTableSize(s.Val)
	case http2.SettingEnableConnectProtocol:
		c.peer.connect = s.Val == 1
	}
	// ENABLE_PUSH means nothing from a server, and browsers let it pass.
	// MAX_HEADER_LIST_SIZE is advice that browsers do not take.
	return nil
}

// resizeWindows moves every stream's window by the change of the initial one
// (RFC 9113 §6.9.2), below zero if need be. mu is held.
func (c *Conn) resizeWindows(size int64) *Error {
	change := size - c.peer.window
	c.peer.window = size
	for _, s := range c.streams {
		if s.send += change; s.send > maxWindow {
			return &Error{Code: http2.ErrCodeFlowControl, HasCode: true, Err: errWindowLarge}
		}
		if change > 0 && s.upload != nil {
			s.upload.signal()
		}
	}
	return nil
}

// ExtendedConnect reports whether the peer takes the CONNECT of RFC 8441: its
// SETTINGS have come and say so.
func (c *Conn) ExtendedConnect() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.peer.connect
}

// StreamLimit returns how many streams the peer allows at once. Until its
// SETTINGS came, known is false and limit is what it is taken to allow.
func (c *Conn) StreamLimit() (limit int, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.slots.limit, c.reader.greeted
}
