package tlsconn

import (
	"crypto/ecdh"
	"crypto/mlkem"
	"crypto/rand"
	"fmt"
	"slices"

	utls "github.com/refraction-networking/utls"

	"github.com/mien-http/mien/fingerprint"
)

// A keyring holds the private keys behind the key shares of one hello. uTLS
// keeps one ECDHE key and would fail where a server picks another share.
type keyring struct {
	shared bool // the hybrid's X25519 key is that of the X25519 share

	ecdhe  []groupKey
	mlkem  *mlkem.DecapsulationKey768
	hybrid *ecdh.PrivateKey // the X25519 half

	active ecdh.PrivateKey // what uTLS holds; see use
}

// A groupKey is the key behind one share. That of X25519 becomes crypto/ecdh's
// once it is needed, which it rarely is: servers that can take the hybrid.
type groupKey struct {
	group utls.CurveID
	key   *ecdh.PrivateKey // nil: lazy
	lazy  x25519Key
}

// keyShares makes a fresh key for each share of the template.
func (b *builder) keyShares(template []fingerprint.KeyShare) (utls.TLSExtension, error) {
	ext := &utls.KeyShareExtension{KeyShares: make([]utls.KeyShare, len(template))}
	for i, s := range template {
		group := utls.CurveID(s.Group)
		// uTLS gives this one the same value as in supported_groups.
		if s.Group.IsGREASE() {
			ext.KeyShares[i] = utls.KeyShare{Group: group, Data: slices.Clone([]byte(s.Data))}
			continue
		}
		public, err := b.keys.generate(group)
		if err != nil {
			return nil, err
		}
		ext.KeyShares[i] = utls.KeyShare{Group: group, Data: public}
	}
	return ext, nil
}

// generate makes a key for group and returns its share.
func (k *keyring) generate(group utls.CurveID) ([]byte, error) {
	switch group {
	case utls.X25519MLKEM768, utls.X25519Kyber768Draft00:
		var err error
		if k.mlkem != nil {
			return nil, fmt.Errorf("more than one share with ML-KEM-768")
		}
		if k.mlkem, err = mlkem.GenerateKey768(); err != nil {
			return nil, err
		}
		if k.shared {
			k.hybrid = k.private(utls.X25519)
		}
		if k.hybrid == nil {
			if k.hybrid, err = ecdh.X25519().GenerateKey(rand.Reader); err != nil {
				return nil, err
			}
		}
		pq, classic := k.mlkem.EncapsulationKey().Bytes(), k.hybrid.PublicKey().Bytes()
		if group == utls.X25519Kyber768Draft00 {
			return append(classic, pq...), nil
		}
		return append(pq, classic...), nil
	case utls.X25519:
		if k.shared && k.hybrid != nil {
			return k.add(group, k.hybrid), nil
		}
		key := newX25519()
		k.ecdhe = append(k.ecdhe, groupKey{group: group, lazy: key})
		return key.public, nil
	}
	curve, err := nistCurve(group)
	if err != nil {
		return nil, err
	}
	key, err := curve.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return k.add(group, key), nil
}

func (k *keyring) add(group utls.CurveID, key *ecdh.PrivateKey) []byte {
	k.ecdhe = append(k.ecdhe, groupKey{group: group, key: key})
	return key.PublicKey().Bytes()
}

// private returns the key of group's own share, nil if there is none.
func (k *keyring) private(group utls.CurveID) *ecdh.PrivateKey {
	for i := range k.ecdhe {
		g := &k.ecdhe[i]
		if g.group != group {
			continue
		}
		if g.key == nil {
			g.key = g.lazy.private()
		}
		return g.key
	}
	return nil
}

// install hands uTLS the keys. Which ECDHE key it uses is settled by use.
func (k *keyring) install(u *utls.UConn) {
	k.use(0)
	u.HandshakeState.State13.KeyShareKeys = &utls.KeySharePrivateKeys{
		Ecdhe: &k.active, Mlkem: k.mlkem, MlkemEcdhe: k.hybrid,
	}
}

// use makes the key of group's share the one that uTLS holds. It must be called
// before uTLS sees the ServerHello that picks group; 0 stands for none yet,
// where uTLS wants to see some key. The key is overwritten in place because uTLS
// copies the pointer to it where nobody else can reach.
func (k *keyring) use(group utls.CurveID) {
	switch key := k.private(group); {
	case key != nil:
		k.active = *key
	case k.hybrid != nil:
		k.active = *k.hybrid
	case len(k.ecdhe) > 0:
		if key := k.private(k.ecdhe[0].group); key != nil {
			k.active = *key
		}
	}
}

func nistCurve(group utls.CurveID) (ecdh.Curve, error) {
	switch group {
	case utls.CurveP256:
		return ecdh.P256(), nil
	case utls.CurveP384:
		return ecdh.P384(), nil
	case utls.CurveP521:
		return ecdh.P521(), nil
	}
	return nil, fmt.Errorf("no key can be made for group 0x%04x", uint16(group))
}
