package fingerprint

import (
	"fmt"
	"io"
	"os"
)

// Load reads a profile from a file in the form that [Parse] reads, as made by
// Import of package capture. An error names the file, and wraps a [*FieldError]
// if the content is wrong.
func Load(path string) (*Profile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	p, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}
