package leak_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"strconv"
	"strings"
)

// socks4 serves SOCKS4 and its extension 4A.
func (x *proxies) socks4(c net.Conn) {
	br := bufio.NewReader(c)
	var head [8]byte
	if _, err := io.ReadFull(br, head[:]); err != nil {
		return
	}
	user, err := br.ReadString(0)
	if err != nil {
		return
	}
	user = strings.TrimSuffix(user, "\x00")
	host := net.IP(head[4:]).String()
	if head[4] == 0 && head[5] == 0 && head[6] == 0 {
		if host, err = br.ReadString(0); err != nil {
			return
		}
		host = strings.TrimSuffix(host, "\x00")
	}
	answer := func(code byte) { _, _ = c.Write([]byte{0, code, 0, 0, 0, 0, 0, 0}) }
	if !known(user, "", false) {
		x.problem("a SOCKS4 proxy was told %q", user)
		answer(93)
		return
	}
	x.socks(c, br, user, net.JoinHostPort(host, port(head[2:])), answer, map[string]byte{"": 90, "auth": 93, "deny": 91, "gateway": 92})
}

// socks5 serves SOCKS5 and wants a password.
func (x *proxies) socks5(c net.Conn) {
	br := bufio.NewReader(c)
	var head [4]byte
	if _, err := io.ReadFull(br, head[:2]); err != nil {
		return
	}
	if _, err := br.Discard(int(head[1])); err != nil {
		return
	}
	_, _ = c.Write([]byte{5, 2})
	if _, err := br.Discard(1); err != nil {
		return
	}
	user, err := counted(br)
	if err != nil {
		return
	}
	password, err := counted(br)
	if err != nil {
		return
	}
	if !known(user, password, true) || strings.HasPrefix(user, "auth.") {
		if !known(user, password, true) {
			x.problem("a SOCKS5 proxy was told %q and %q", user, password)
		}
		_, _ = c.Write([]byte{1, 1})
		return
	}
	_, _ = c.Write([]byte{1, 0})
	if _, err := io.ReadFull(br, head[:]); err != nil {
		return
	}
	var host string
	switch head[3] {
	case 1, 4:
		ip := make(net.IP, map[byte]int{1: 4, 4: 16}[head[3]])
		_, err = io.ReadFull(br, ip)
		host = ip.String()
	case 3:
		host, err = counted(br)
	}
	var at [2]byte
	if err == nil {
		_, err = io.ReadFull(br, at[:])
	}
	if err != nil {
		return
	}
	answer := func(code byte) { _, _ = c.Write([]byte{5, code, 0, 1, 0, 0, 0, 0, 0, 0}) }
	x.socks(c, br, user, net.JoinHostPort(host, port(at[:])), answer, map[string]byte{"": 0, "deny": 2, "gateway": 4})
}

// socks does what the user wants and answers with one of codes.
func (x *proxies) socks(c net.Conn, br *bufio.Reader, user, target string, answer func(byte), codes map[string]byte) {
	switch does := x.fault(user); does {
	case "close":
	case "drop":
		answer(codes[""])
	case "garbage", "raw", "trailer":
		_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
	case "stall":
		_, _ = io.Copy(io.Discard, br)
	case "auth", "deny", "gateway":
		answer(codes[does])
	default:
		far, err := x.dial(user, target)
		if err != nil {
			answer(codes["gateway"])
			return
		}
		answer(codes[""])
		splice(c, br, far)
	}
}

// counted reads a text behind its length.
func counted(br *bufio.Reader) (string, error) {
	n, err := br.ReadByte()
	if err != nil {
		return "", err
	}
	text := make([]byte, n)
	_, err = io.ReadFull(br, text)
	return string(text), err
}

func port(b []byte) string { return strconv.Itoa(int(binary.BigEndian.Uint16(b))) }
