//go:build unix

package fetch

import "os"

// syncDir makes the names in a folder last.
func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
