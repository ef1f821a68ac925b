package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/fingerprint/capture"
)

// unpacked is a folder with a recording.
func unpacked(t *testing.T, name string) string {
	t.Helper()
	z, err := zip.OpenReader("../../fingerprint/capture/testdata/" + name + ".zip")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = z.Close() })
	dir := filepath.Join(t.TempDir(), name+".0.8010.0-build")
	if err := os.CopyFS(dir, z); err != nil {
		t.Fatal(err)
	}
	return dir
}

// runMien runs a command and returns its exit code and what it printed.
func runMien(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(args, &out, &errs)
	return code, out.String(), errs.String()
}

// A recording becomes a profile that loads, is that browser, and says what was
// not recorded.
func TestImportAndDiff(t *testing.T) {
	dir := unpacked(t, "headless-shell-153")
	file := filepath.Join(t.TempDir(), "p.json")
	code, _, stderr := runMien("import", dir, "--out", file, "--name", "mine")
	if code != exitDone || stderr != "not in the recording: anything over http/1.1\nnot in the recording: anything over cleartext\n" {
		t.Fatalf("%d: %s", code, stderr)
	}
	p, err := fingerprint.Load(file)
	if err != nil || p.Name != "mine" || p.Browser.Version != "153.0.8010.0" {
		t.Fatalf("%+v, %v", p, err)
	}
	for _, sides := range [][2]string{{file, dir}, {dir, "chromium-153-linux"}, {dir, dir}, {"chrome-156-linux", "chrome-156-linux"}} {
		if code, out, errs := runMien("diff", sides[0], sides[1]); code != exitDone || out+errs != "" {
			t.Errorf("%v: %d: %s%s", sides, code, out, errs)
		}
	}
	code, out, errs := runMien("diff", "chrome-156-linux", "chrome-156-windows")
	if code != exitFailed || !strings.Contains(out, "browser: platform: Linux, but Windows\n") || !strings.Contains(errs, "3 differences") {
		t.Errorf("%d: %s%s", code, out, errs)
	}
	code, out, _ = runMien("diff", "--json", "chromium-131-linux", dir)
	var found []capture.Difference
	if err := json.Unmarshal([]byte(out), &found); err != nil || code != exitFailed || len(found) == 0 || found[0].Where == "" {
		t.Errorf("%d: %v, %+v", code, err, found)
	}
	code, out, _ = runMien("import", dir, "--derive")
	if p, err := fingerprint.Parse([]byte(out)); err != nil || code != exitDone || len(p.Absent) != 2 {
		t.Errorf("%d: %+v, %v", code, p, err)
	}
}

func TestImportAndDiffWrongUse(t *testing.T) {
	empty := t.TempDir()
	broken := filepath.Join(empty, "p.json")
	if err := os.WriteFile(broken, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"import", exitUsage, "accepts 1 arg"},
		{"import " + empty, exitFailed, "no recording"},
		{"import " + empty + "/missing", exitFailed, "no such file"},
		{"diff chrome-156-linux", exitUsage, "accepts 2 arg"},
		{"diff chrome-156-linux crome-156-linux", exitUsage, "did you mean chrome-156-linux"},
		{"diff chrome-156-linux " + broken, exitFailed, "not JSON"},
		{"diff chrome-156-linux " + empty, exitFailed, "no recording"},
		{"diff chrome-156-linux missing.json", exitFailed, "missing.json"},
	} {
		code, out, errs := runMien(strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(errs, c.want) || out != "" {
			t.Errorf("%s: %d: %s%s", c.args, code, out, errs)
		}
	}
}
