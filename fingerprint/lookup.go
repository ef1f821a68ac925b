package fingerprint

import (
	"embed"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"sync"
)

//go:embed profiles/*.json profiles/engines/*.json
var profileFiles embed.FS

// library is what is built in; nobody writes to it after it is made.
type library struct {
	profiles map[string]*Profile // by file name without ".json"
	names    []string            // those that Names returns, sorted
}

// builtin reads the embedded profiles once.
var builtin = sync.OnceValues(func() (*library, error) {
	all := &library{profiles: map[string]*Profile{}}
	err := fs.WalkDir(profileFiles, "profiles", func(path string, f fs.DirEntry, err error) error {
		if err != nil || f.IsDir() {
			return err
		}
		return all.load(strings.TrimSuffix(strings.TrimPrefix(path, "profiles/"), ".json"))
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(all.names)
	return all, nil
})

// maxBases is how many files may stand on each other: a browser, the build that
// was recorded, and its neighbour. Files cannot go round in circles.
const maxBases = 3

// load reads one file, and its bases first.
func (l *library) load(name string) error { return l.loadOn(name, maxBases) }

func (l *library) loadOn(name string, bases int) error {
	if l.profiles[name] != nil {
		return nil
	}
	p, err := parseFile(name, func(base string) (*Profile, error) {
		if bases == 0 {
			return nil, fmt.Errorf("more than %d profiles stand on each other", maxBases)
		}
		if err := l.loadOn(base, bases-1); err != nil {
			return nil, err
		}
		return l.profiles[base], nil
	})
	if err != nil {
		return err
	}
	l.profiles[name] = p
	if name == p.Name { // the engines' profiles are not for Names
		l.names = append(l.names, name)
	}
	return nil
}

// named returns the profile that Names lists under name, or nil.
func (l *library) named(name string) *Profile {
	if p := l.profiles[name]; p != nil && p.Name == name {
		return p
	}
	return nil
}

func parseFile(name string, base func(string) (*Profile, error)) (*Profile, error) {
	b, err := profileFiles.ReadFile("profiles/" + name + ".json")
	if err != nil {
		return nil, err
	}
	p, err := parse(b, base)
	if err != nil {
		return nil, fmt.Errorf("profiles/%s.json: %w", name, err)
	}
	return p, nil
}

// Lookup returns a copy of the built-in profile of that name: one of [Names],
// an alias ("chrome", "firefox", "safari" and "edge": the newest one, for the
// operating system the program runs on where there is one), or "utls:" with the name of a ClientHelloID
// of uTLS, "utls:HelloChrome_133". The copy is the caller's own. An unknown name is an
// [*UnknownProfileError].
func Lookup(name string) (*Profile, error) {
	all, err := builtin()
	if err != nil {
		return nil, err
	}
	if preset, ok := strings.CutPrefix(name, presetPrefix); ok {
		if p := presetProfile(all, preset); p != nil {
			return p, nil
		}
	} else if p := all.named(alias(name, runtime.GOOS)); p != nil {
		return p.Clone(), nil
	}
	known := append(slices.Clone(all.names), "chrome", "firefox", "safari", "edge")
	for _, m := range presets {
		known = append(known, presetPrefix+m.match.Preset)
	}
	return nil, &UnknownProfileError{Name: name, Near: near(name, known)}
}

// alias resolves the names without a version on the given operating system.
func alias(name, goos string) string {
	switch name {
	case "chrome":
		switch goos {
		case "windows":
			return "chrome-156-windows"
		case "darwin":
			return "chrome-156-macos"
		}
		return "chrome-156-linux"
	case "firefox":
		return "firefox-153-linux"
	case "safari":
		return "safari-26.4-macos"
	case "edge":
		return "edge-133-windows"
	}
	return name
}

// Names returns the names of the built-in profiles, sorted, without aliases and
// without the presets of uTLS, which [PresetMatches] lists.
func Names() []string {
	all, err := builtin()
	if err != nil {
		return nil
	}
	return slices.Clone(all.names)
}

// Chrome returns the newest Chrome for the operating system the program runs on
// (TCP shows it anyway); the Linux one where there is none for it. TLS and HTTP/2
// are those of a captured Chromium of that version, brands and User-Agent derived.
func Chrome() *Profile { return mustLookup("chrome") }

// Firefox returns the newest Firefox that was captured.
func Firefox() *Profile { return mustLookup("firefox") }

// mustLookup is for names whose presence a test holds. It never panics: a
// Profile without content fails Validate.
func mustLookup(name string) *Profile {
	p, err := Lookup(name)
	if err != nil {
		return &Profile{Name: name}
	}
	return p
}

// UnknownProfileError reports a name that is no profile's.
type UnknownProfileError struct {
	Name string   // what was asked for
	Near []string // known names that are spelled alike, nearest first; may be empty
}

func (e *UnknownProfileError) Error() string {
	s := fmt.Sprintf("unknown profile %q", e.Name)
	if len(e.Near) > 0 {
		return s + "; did you mean " + strings.Join(e.Near, ", ") + "?"
	}
	return s
}
