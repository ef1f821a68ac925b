package main

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// byteSize is a flag's number of bytes: digits, and k, M or G for powers of 1024.
type byteSize int64

// Type names the value in the help text.
func (*byteSize) Type() string { return "bytes" }

// String is the shortest spelling.
func (s *byteSize) String() string {
	n := int64(*s)
	for i, unit := range []string{"G", "M", "k"} {
		if size := int64(1) << (30 - 10*i); n != 0 && n%size == 0 {
			return strconv.FormatInt(n/size, 10) + unit
		}
	}
	return strconv.FormatInt(n, 10)
}

// Set parses text.
func (s *byteSize) Set(text string) error {
	digits, shift := strings.TrimSuffix(text, "B"), 0
	for unit, by := range map[string]int{"k": 10, "K": 10, "M": 20, "G": 30} {
		if d, ok := strings.CutSuffix(digits, unit); ok {
			digits, shift = d, by
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64>>shift {
		return errors.New("a number of bytes, such as 500k, 10M or 2G")
	}
	*s = byteSize(n << shift)
	return nil
}
