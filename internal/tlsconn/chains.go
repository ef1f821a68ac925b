package tlsconn

import (
	"container/list"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"reflect"
	"runtime"
	"sync"
	"time"
)

// maxChains bounds the chains remembered. One takes some 10 kB.
const maxChains = 1000

// chainLife is how long a chain is remembered. It bounds how late a change is
// seen that cannot be asked for, such as other system roots.
const chainLife = time.Hour

// Chains remembers which certificates led to a trusted root, so that the path
// need not be built again, with a signature to check for every step of it. What
// was found is used again for the same certificates in the same order, the same
// host and the same root certificates only; that the host name fits and that
// every certificate is valid now is checked on every connection all the same. A
// path that was not found is not remembered.
//
// Nothing is remembered where somebody else has a say that may change: with a
// VerifyPeerCertificate or VerifyConnection of the caller's, with a pool that
// holds constraints of the caller's (x509.CertPool.AddCertWithConstraint), and on
// systems that verify by themselves (Windows, macOS, iOS). Elsewhere the system's
// roots are taken to be constant, constraints of x509.SetFallbackRoots included.
//
// It holds at most 1,000 chains, each for at most an hour. The zero value is
// empty and ready; all methods may be called concurrently.
type Chains struct {
	mu    sync.Mutex
	held  map[chainKey]*list.Element // guarded by mu; of order
	order list.List                  // guarded by mu; of *knownChain, oldest first
	roots *x509.CertPool             // guarded by mu; the newest copy of a pool, never written to
}

// A chainKey names what a server showed, and as whom.
type chainKey struct {
	sum  [sha256.Size]byte // of all its certificates, in order
	host string
}

// A knownChain is one that was verified. It is not written to once stored.
type knownChain struct {
	key    chainKey
	roots  *x509.CertPool // what the pool held; nil: the system's roots
	chains [][]*x509.Certificate
	stored time.Time // by the monotonic clock
}

func keyOf(certs []*x509.Certificate, host string) chainKey {
	h := sha256.New()
	var size [4]byte
	for _, c := range certs {
		binary.BigEndian.PutUint32(size[:], uint32(len(c.Raw)))
		h.Write(size[:])
		h.Write(c.Raw)
	}
	k := chainKey{host: host}
	h.Sum(k.sum[:0])
	return k
}

// Len returns how many chains are held.
func (c *Chains) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.order.Len()
}

// find returns the chains of certs, each certificate of them valid at the time
// now; nil if they have to be built. The caller may keep and change the slices.
func (c *Chains) find(key chainKey, certs []*x509.Certificate, roots *x509.CertPool, now time.Time) [][]*x509.Certificate {
	c.mu.Lock()
	e := c.held[key]
	if e == nil {
		c.mu.Unlock()
		return nil
	}
	known := e.Value.(*knownChain)
	if time.Since(known.stored) >= chainLife {
		c.removeLocked(e)
		c.mu.Unlock()
		return nil
	}
	c.mu.Unlock()
	// The pool is the caller's, who may have added to it since.
	if !known.roots.Equal(roots) {
		return nil
	}
	out := make([][]*x509.Certificate, len(known.chains))
	for i, chain := range known.chains {
		for _, cert := range chain {
			if now.Before(cert.NotBefore) || now.After(cert.NotAfter) {
				return nil
			}
		}
		// The first is this connection's own, as without a cache.
		out[i] = append(append(make([]*x509.Certificate, 0, len(chain)), certs[0]), chain[1:]...)
	}
	return out
}

// store remembers that key led to chains with roots.
func (c *Chains) store(key chainKey, roots *x509.CertPool, chains [][]*x509.Certificate) {
	own := make([][]*x509.Certificate, len(chains))
	for i, chain := range chains {
		own[i] = append([]*x509.Certificate(nil), chain...)
	}
	c.mu.Lock()
	held := c.roots
	c.mu.Unlock()
	if !held.Equal(roots) {
		if held = nil; roots != nil {
			held = roots.Clone()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.roots = held
	if c.held == nil {
		c.held = make(map[chainKey]*list.Element)
	}
	if e := c.held[key]; e != nil {
		c.removeLocked(e)
	}
	for c.order.Len() >= maxChains {
		c.removeLocked(c.order.Front())
	}
	c.held[key] = c.order.PushBack(&knownChain{key: key, roots: held, chains: own, stored: time.Now()})
}

func (c *Chains) removeLocked(e *list.Element) {
	delete(c.held, e.Value.(*knownChain).key)
	c.order.Remove(e)
}

// platformVerifies reports whether certificates are verified, with some pools at
// least, by the operating system, which may change its mind (crypto/x509).
func platformVerifies() bool {
	return runtime.GOOS == "windows" || runtime.GOOS == "darwin" || runtime.GOOS == "ios"
}

// constrained reports whether pool holds functions of the caller's that decide
// on chains. crypto/x509 has no word for that; a pool whose fields are others
// than those known counts as one that does.
func constrained(pool *x509.CertPool) bool {
	if pool == nil {
		return false
	}
	certs := reflect.ValueOf(pool).Elem().FieldByName("lazyCerts")
	if certs.Kind() != reflect.Slice {
		return true
	}
	for i := range certs.Len() {
		cert := certs.Index(i)
		if cert.Kind() != reflect.Struct {
			return true
		}
		if f := cert.FieldByName("constraint"); f.Kind() != reflect.Func || !f.IsNil() {
			return true
		}
	}
	return false
}
