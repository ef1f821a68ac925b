package fingerprint

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestLoad(t *testing.T) {
	want := lookup(t, "firefox-153-linux")
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "p.json")
	write := func(b []byte) {
		t.Helper()
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(b)
	if p, err := Load(path); err != nil || !reflect.DeepEqual(p, want) {
		t.Errorf("%v", err)
	}
	for name, c := range map[string]struct{ from, to, want string }{
		"unknown field": {`"tls":{`, `"tls":{"speed":9,`, "tls.speed: unknown field"},
		"contradiction": {`"platform":"Linux"`, `"platform":"Windows"`, "identity[0].value: "},
		"truncated":     {string(b[len(b)/2:]), "", "not JSON"},
	} {
		write([]byte(strings.Replace(string(b), c.from, c.to, 1)))
		_, err := Load(path)
		var e *FieldError
		if !errors.As(err, &e) || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Load(path + "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
