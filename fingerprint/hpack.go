package fingerprint

import "fmt"

// HPACKRepresentation is how a header field was written (RFC 7541 §6).
type HPACKRepresentation string

// The representations of a header field.
const (
	HPACKIndexed     HPACKRepresentation = "indexed"          // §6.1: name and value from a table
	HPACKIncremental HPACKRepresentation = "incremental"      // §6.2.1: literal, added to the table
	HPACKNoIndex     HPACKRepresentation = "without indexing" // §6.2.2: literal
	HPACKNeverIndex  HPACKRepresentation = "never indexed"    // §6.2.3: literal that no proxy may index
)

// An HPACKField is one header field with the way it was written.
type HPACKField struct {
	Name, Value    string              // as decoded, with Value
	Representation HPACKRepresentation // how it was written
	// Index is the table entry that gave the field or, with a literal, the
	// name; 0 for a literal name.
	Index int
	// NameHuffman and ValueHuffman report Huffman coding of the literal parts.
	NameHuffman, ValueHuffman bool
}

// An HPACKDecoder reads the header blocks of one direction of an HTTP/2
// connection, in their order, and reports how each field was written. The zero
// value is ready for use. It is not safe for concurrent use. What it holds is
// bounded by the bytes it was given.
type HPACKDecoder struct {
	// MaxTableSize is the largest dynamic table, in bytes of RFC 7541 §4.1,
	// that the encoder may ask for: the SETTINGS_HEADER_TABLE_SIZE of the
	// reading side. 0 means 4096.
	MaxTableSize uint32

	table   []HeaderField // oldest first
	size    uint64        // of the entries in table
	limit   uint32        // set by the encoder; counts once limited is true
	limited bool
	updates []uint32
}

// hpackDefaultSize is the table size that both sides start from (RFC 9113
// §6.5.2), and hpackOverhead what an entry costs besides its text (RFC 7541 §4.1).
const (
	hpackDefaultSize = 4096
	hpackOverhead    = 32
)

// Decode reads one whole header block: the payloads of a HEADERS and its
// CONTINUATION frames without padding and priority. After an error, which is a
// [*WireError], the table is no longer that of the encoder: what was read up to
// there is returned, and later blocks cannot be understood.
func (d *HPACKDecoder) Decode(block []byte) ([]HPACKField, error) {
	d.updates = nil
	r := &hpackReader{b: block}
	var fields []HPACKField
	for r.pos < len(r.b) {
		at := r.pos
		c := r.b[at]
		if c&0xe0 == 0x20 { // 001: size update, §6.3
			if len(fields) > 0 {
				return fields, hpackErr(at, "a table size update behind a field")
			}
			size := r.integer(5)
			if r.err == nil {
				r.err = d.update(size, at)
			}
			if r.err != nil {
				return fields, r.err
			}
			continue
		}
		f := d.field(r, c)
		if r.err != nil {
			return fields, r.err
		}
		if f.Representation == HPACKIncremental {
			d.add(HeaderField{Name: f.Name, Value: f.Value})
		}
		fields = append(fields, f)
	}
	return fields, nil
}

// SizeUpdates returns the dynamic table sizes that the latest block began with.
func (d *HPACKDecoder) SizeUpdates() []uint32 { return d.updates }

// field reads the field whose first byte is c.
func (d *HPACKDecoder) field(r *hpackReader, c byte) HPACKField {
	at, prefix := r.pos, 4
	var f HPACKField
	switch {
	case c&0x80 != 0:
		f.Representation, prefix = HPACKIndexed, 7
	case c&0x40 != 0:
		f.Representation, prefix = HPACKIncremental, 6
	case c&0x10 != 0:
		f.Representation = HPACKNeverIndex
	default:
		f.Representation = HPACKNoIndex
	}
	index := r.integer(prefix)
	if r.err != nil {
		return f
	}
	f.Index = int(index)
	if index == 0 && f.Representation != HPACKIndexed {
		f.Name, f.NameHuffman = r.string("name")
	} else {
		entry, ok := d.entry(f.Index)
		if !ok {
			r.fail(at, fmt.Sprintf("index %d; the tables hold %d entries", index, len(hpackStatic)+len(d.table)))
			return f
		}
		f.Name = entry.Name
		if f.Representation == HPACKIndexed {
			f.Value = entry.Value
			return f
		}
	}
	f.Value, f.ValueHuffman = r.string("value")
	return f
}

// entry returns entry i of the static and then the dynamic table, from 1.
func (d *HPACKDecoder) entry(i int) (HeaderField, bool) {
	if i < 1 || i > len(hpackStatic)+len(d.table) {
		return HeaderField{}, false
	}
	if i <= len(hpackStatic) {
		return hpackStatic[i-1], true
	}
	return d.table[len(d.table)-(i-len(hpackStatic))], true
}

// add puts f into the dynamic table. An entry larger than the table empties it.
func (d *HPACKDecoder) add(f HeaderField) {
	d.table = append(d.table, f)
	d.size += hpackSize(f)
	d.evict()
}

func (d *HPACKDecoder) evict() {
	limit := d.limit
	if !d.limited {
		limit = min(hpackDefaultSize, d.max())
	}
	n := 0
	for ; d.size > uint64(limit); n++ {
		d.size -= hpackSize(d.table[n])
		d.table[n] = HeaderField{}
	}
	d.table = d.table[n:]
}

func (d *HPACKDecoder) update(size uint64, at int) *WireError {
	if size > uint64(d.max()) {
		return hpackErr(at, fmt.Sprintf("table size %d is above the %d allowed", size, d.max()))
	}
	d.limit, d.limited = uint32(size), true
	d.updates = append(d.updates, d.limit)
	d.evict()
	return nil
}

func (d *HPACKDecoder) max() uint32 {
	if d.MaxTableSize == 0 {
		return hpackDefaultSize
	}
	return d.MaxTableSize
}

func hpackSize(f HeaderField) uint64 {
	return uint64(len(f.Name)+len(f.Value)) + hpackOverhead
}

// hpackReader reads the primitive types of RFC 7541 §5. The first failure stays.
type hpackReader struct {
	b   []byte
	pos int
	err *WireError
}

func (r *hpackReader) fail(at int, problem string) {
	if r.err == nil {
		r.err = hpackErr(at, problem)
	}
}

// integer reads an integer of which the first byte holds bits (§5.1). Values of
// more than 32 bits are refused.
func (r *hpackReader) integer(bits int) uint64 {
	at := r.pos
	if at >= len(r.b) {
		r.fail(at, "the block ends where an integer is due")
		return 0
	}
	mask := uint64(1)<<bits - 1
	v := uint64(r.b[at]) & mask
	r.pos++
	if v < mask {
		return v
	}
	for shift := 0; ; shift += 7 {
		if r.pos >= len(r.b) {
			r.fail(at, "the block ends within an integer")
			return 0
		}
		c := r.b[r.pos]
		r.pos++
		v += uint64(c&0x7f) << min(shift, 56)
		if shift > 28 || v > 1<<32-1 {
			r.fail(at, "an integer of more than 32 bits")
			return 0
		}
		if c&0x80 == 0 {
			return v
		}
	}
}

// string reads a string literal (§5.2).
func (r *hpackReader) string(what string) (s string, huffman bool) {
	at := r.pos
	huffman = at < len(r.b) && r.b[at]&0x80 != 0
	n := r.integer(7)
	if r.err != nil {
		return "", false
	}
	if left := len(r.b) - r.pos; n > uint64(left) {
		r.fail(at, fmt.Sprintf("%s: %d bytes needed, %d left", what, n, left))
		return "", false
	}
	raw := r.b[r.pos : r.pos+int(n)]
	r.pos += int(n)
	if !huffman {
		return string(raw), false
	}
	s, err := hpackHuffman(raw)
	if err != nil {
		r.fail(at, what+": "+err.Error())
	}
	return s, true
}

func hpackErr(at int, problem string) *WireError {
	return &WireError{Part: "HPACK", Offset: at, Problem: problem}
}
