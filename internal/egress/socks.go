package egress

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strconv"
)

// Codes of RFC 1928 and RFC 1929.
const (
	socksVersion5  = 5
	methodNone     = 0
	methodPassword = 2
	methodRefused  = 0xff
	passwordVer    = 1
	commandConnect = 1
	addrIPv4       = 1
	addrName       = 3
	addrIPv6       = 4
)

// Codes of the SOCKS4 memorandum.
const (
	socksVersion4 = 4
	socks4Granted = 90
)

// socks5 asks for a tunnel by RFC 1928. Names go to the proxy as they are. It
// reads not one byte beyond the proxy's reply.
func socks5(c net.Conn, l leg) error {
	if err := socks5Auth(c, l.proxy); err != nil {
		return err
	}
	b := []byte{socksVersion5, commandConnect, 0}
	if addr, err := netip.ParseAddr(l.host); err != nil {
		b = append(b, addrName, byte(len(l.host)))
		b = append(b, l.host...)
	} else if addr.Is4() {
		b = append(append(b, addrIPv4), addr.AsSlice()...)
	} else {
		b = append(append(b, addrIPv6), addr.AsSlice()...)
	}
	if _, err := c.Write(appendPort(b, l.port)); err != nil {
		return err
	}
	return readSOCKS5Reply(c, l.proxy.Addr())
}

// socks5Auth offers a password only if there is one, and then also none.
func socks5Auth(c net.Conn, p Proxy) error {
	user, password, ok := p.credentials()
	offer := []byte{socksVersion5, 1, methodNone}
	if ok {
		offer = []byte{socksVersion5, 2, methodNone, methodPassword}
	}
	if _, err := c.Write(offer); err != nil {
		return err
	}
	method, err := readMethod(c, p.Addr(), ok)
	if err != nil || method == methodNone {
		return err
	}
	b := append([]byte{passwordVer, byte(len(user))}, user...)
	b = append(append(b, byte(len(password))), password...)
	if _, err := c.Write(b); err != nil {
		return err
	}
	return readAuthStatus(c, p.Addr())
}

// readMethod reads which of the methods offered the proxy takes.
func readMethod(r io.Reader, proxy string, password bool) (byte, error) {
	var b [2]byte
	if err := readSOCKS(r, b[:], proxy, socksVersion5); err != nil {
		return 0, err
	}
	switch {
	case b[1] == methodNone, b[1] == methodPassword && password:
		return b[1], nil
	case b[1] == methodRefused:
		return 0, &SOCKSError{Proxy: proxy, Version: 5, Reply: socksAuthRefused}
	}
	return 0, &AnswerError{Proxy: proxy, Reason: "chooses an authentication method that was not offered: " + strconv.Itoa(int(b[1]))}
}

// readAuthStatus reads the verdict on user and password (RFC 1929 §2).
func readAuthStatus(r io.Reader, proxy string) error {
	var b [2]byte
	if err := readSOCKS(r, b[:], proxy, passwordVer); err != nil {
		return err
	}
	if b[1] != 0 {
		return &SOCKSError{Proxy: proxy, Version: 5, Reply: socksAuthRefused}
	}
	return nil
}

// readSOCKS5Reply reads the verdict on the request, and the address that the
// proxy connects from, which nobody here needs.
func readSOCKS5Reply(r io.Reader, proxy string) error {
	var b [4]byte
	if err := readSOCKS(r, b[:2], proxy, socksVersion5); err != nil {
		return err
	}
	if b[1] != 0 {
		return &SOCKSError{Proxy: proxy, Version: 5, Reply: b[1]} // the rest of a refusal does not matter
	}
	if err := readAll(r, b[2:]); err != nil {
		return err
	}
	var length int
	switch b[3] {
	case addrIPv4:
		length = 4
	case addrIPv6:
		length = 16
	case addrName:
		var n [1]byte
		if err := readAll(r, n[:]); err != nil {
			return err
		}
		length = int(n[0])
	default:
		return &AnswerError{Proxy: proxy, Reason: "has an address of the unknown type " + strconv.Itoa(int(b[3]))}
	}
	return readAll(r, make([]byte, length+2))
}

// socks4 asks for a tunnel by SOCKS4; names go to the proxy by its extension 4A.
func socks4(c net.Conn, l leg) error {
	b := appendPort([]byte{socksVersion4, commandConnect}, l.port)
	addr, err := netip.ParseAddr(l.host)
	if err == nil {
		b = append(b, addr.Unmap().AsSlice()...)
	} else {
		b = append(b, 0, 0, 0, 1) // an address that cannot be: a name follows
	}
	user, _, _ := l.proxy.credentials()
	b = append(append(b, user...), 0)
	if err != nil {
		b = append(append(b, l.host...), 0)
	}
	if _, err := c.Write(b); err != nil {
		return err
	}
	return readSOCKS4Reply(c, l.proxy.Addr())
}

func readSOCKS4Reply(r io.Reader, proxy string) error {
	var b [8]byte
	if err := readSOCKS(r, b[:2], proxy, 0); err != nil {
		return err
	}
	switch b[1] {
	case socks4Granted:
		return readAll(r, b[2:])
	case 0:
		return &AnswerError{Proxy: proxy, Reason: "is not a SOCKS4 reply: code 0"}
	}
	return &SOCKSError{Proxy: proxy, Version: 4, Reply: b[1]}
}

// readSOCKS fills b, whose first byte must be version. That one is looked at
// before the others have come.
func readSOCKS(r io.Reader, b []byte, proxy string, version byte) error {
	if _, err := io.ReadFull(r, b[:1]); err != nil {
		return err
	}
	if b[0] != version {
		return &AnswerError{Proxy: proxy, Reason: "is not SOCKS", Prefix: b[:1:1]}
	}
	return readAll(r, b[1:])
}

// readAll fills b; an end before that is io.ErrUnexpectedEOF, as something came
// before b.
func readAll(r io.Reader, b []byte) error {
	_, err := io.ReadFull(r, b)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// appendPort adds a port that badTarget has passed.
func appendPort(b []byte, port string) []byte {
	n, _ := strconv.ParseUint(port, 10, 16)
	return binary.BigEndian.AppendUint16(b, uint16(n))
}
