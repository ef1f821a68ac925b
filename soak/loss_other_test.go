//go:build !linux

package soak_test

import (
	"errors"
	"io"
	"testing"
)

// TestLiveLoss needs network namespaces.
func TestLiveLoss(t *testing.T) { t.Skip("this system has no network namespaces") }

func lossyClient(io.Reader) error { return errors.ErrUnsupported }
func serveLine(io.Reader) error   { return errors.ErrUnsupported }
