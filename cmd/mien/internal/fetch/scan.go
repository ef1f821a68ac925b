package fetch

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// maxResult is more than a result takes: a URL of maxLineBytes, escaped, twice,
// and an error that names it.
const maxResult = 4 << 20

// past is what an output holds.
type past struct {
	lines *lineSet
	tally Tally
	end   int64 // behind the last line that counts; what follows is to be cut off
}

// scan reads an output from its start. Lines from the offset sure on may not
// have outlived a crash of the machine: there the first one that is none, or
// that holds says has lost its body, ends what counts.
func scan(r io.Reader, sure int64, holds func(*Result) bool) (past, error) {
	p := past{lines: newLineSet()}
	in := bufio.NewReaderSize(r, 64<<10)
	for number := 1; ; number++ {
		line, err := readLine(in)
		if err == io.EOF {
			return p, nil // a half line at the end counts as none
		}
		if err != nil {
			return p, fmt.Errorf("line %d: %w", number, err)
		}
		var res Result
		err = json.Unmarshal(line, &res)
		if err == nil && (res.Line < 1 || res.URL == "") {
			err = fmt.Errorf("it has no line or no url")
		}
		unsure := p.end >= sure
		if err != nil {
			if unsure && bytes.IndexByte(line, 0) >= 0 { // never written: a block that was lost
				return p, nil
			}
			return p, fmt.Errorf("line %d is no result of mien fetch: %w", number, err)
		}
		if unsure && holds != nil && !holds(&res) {
			return p, nil
		}
		p.end += int64(len(line))
		if p.lines.add(res.Line, res.URL) {
			p.tally.add(&res)
		}
	}
}

// readLine returns a line with its line break; io.EOF if that is missing.
func readLine(r *bufio.Reader) ([]byte, error) {
	var long []byte
	for {
		part, err := r.ReadSlice('\n')
		if err == nil && long == nil {
			return part, nil
		}
		if err != nil && err != bufio.ErrBufferFull {
			return nil, err
		}
		if long = append(long, part...); len(long) > maxResult {
			return nil, fmt.Errorf("it is longer than %d bytes", maxResult)
		}
		if err == nil {
			return long, nil
		}
	}
}
