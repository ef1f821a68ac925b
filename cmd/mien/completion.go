package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mien-http/mien/fingerprint"
)

// completeFlags gives every command below root that has a flag of these names its
// values, for the scripts that "mien completion" writes.
func completeFlags(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		for flag, complete := range map[string]cobra.CompletionFunc{
			"profile": completeProfile, "proxy": completeProxy,
		} {
			if cmd.Flags().Lookup(flag) != nil {
				_ = cmd.RegisterFlagCompletionFunc(flag, complete) // fails where a command did so itself
			}
		}
		for _, flag := range []string{"cacert", "cert", "key", "proxy-cacert"} {
			if cmd.Flags().Lookup(flag) != nil {
				_ = cmd.MarkFlagFilename(flag, "pem", "crt", "cer", "key")
			}
		}
		if name := cmd.Name(); (name == "show" || name == "diff") && cmd.ValidArgsFunction == nil {
			cmd.ValidArgsFunction = completeProfile
		}
	}
}

// completeProfile lists names of profiles with what they look like, then files.
func completeProfile(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if strings.ContainsAny(typed, `/\.`) {
		return []cobra.Completion{"json"}, cobra.ShellCompDirectiveFilterFileExt
	}
	var all []cobra.Completion
	add := func(name, what string) {
		if strings.HasPrefix(name, typed) {
			all = append(all, cobra.CompletionWithDesc(name, what))
		}
	}
	for _, alias := range []string{"chrome", "firefox", "safari", "edge"} {
		if p, err := fingerprint.Lookup(alias); err == nil {
			add(alias, "is "+p.Name+" here")
		}
	}
	for _, name := range fingerprint.Names() {
		if p, err := fingerprint.Lookup(name); err == nil {
			add(name, strings.TrimSpace(p.Browser.Brand+" "+p.Browser.Version)+", "+p.Browser.Platform)
		}
	}
	if strings.HasPrefix(typed, "utls") { // as many as all others, and few want them
		for _, m := range fingerprint.PresetMatches() {
			add("utls:"+m.Preset, "TLS of "+m.Browser)
		}
	}
	return all, cobra.ShellCompDirectiveNoFileComp
}

// completeProxy lists the schemes.
func completeProxy(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return matching(typed, "http://", "https://", "socks5h://", "socks5://", "socks4a://", "socks4://"),
		cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

func matching(typed string, all ...string) []cobra.Completion {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return !strings.HasPrefix(s, typed) })
}

// completeGet gives the flags of "mien get" their values.
func completeGet(cmd *cobra.Command) {
	cmd.ValidArgsFunction = func(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return matching(typed, "https://", "http://"), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	words := func(all ...string) cobra.CompletionFunc {
		return func(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return matching(typed, all...), cobra.ShellCompDirectiveNoFileComp
		}
	}
	var variables []string
	for _, name := range sortedKeys(writeVariables) {
		variables = append(variables, "%{"+name+"}")
	}
	for flag, complete := range map[string]cobra.CompletionFunc{
		"dest":    words(destinations()...),
		"request": words("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"),
		"header": func(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return matching(typed, "Accept: ", "Accept-Language: ", "Authorization: ", "Content-Type: ", "Cookie: ", "Referer: ", "User-Agent: "),
				cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		},
		"write-out": words(variables...),
		"data":      completeAtFile, "data-ascii": completeAtFile, "data-binary": completeAtFile, "json": completeAtFile,
		"data-urlencode": completeAtFile, "form": completeAtFile,
	} {
		_ = cmd.RegisterFlagCompletionFunc(flag, complete) // fails for a flag that does not exist alone
	}
	for _, flag := range []string{
		"data-raw", "form-string", "user-agent", "referer", "user", "oauth2-bearer", "range", "pinnedpubkey", "resolve", "interface", "proxy-user",
		"noproxy", "connect-timeout", "max-time", "timeout", "retry", "max-attempts", "max-redirs",
	} {
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.NoFileCompletions)
	}
}

// completeAtFile lists files behind the last @ of what was typed: @FILE, name=@FILE.
func completeAtFile(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	at := strings.LastIndexByte(typed, '@')
	if at < 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	dir, part := filepath.Split(typed[at+1:])
	look := dir
	if look == "" {
		look = "."
	}
	entries, err := os.ReadDir(look)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var all []cobra.Completion
	directive := cobra.ShellCompDirectiveNoFileComp
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), part) || part == "" && strings.HasPrefix(e.Name(), ".") {
			continue
		}
		name := typed[:at+1] + dir + e.Name()
		if e.IsDir() {
			name += "/"
			directive |= cobra.ShellCompDirectiveNoSpace
		}
		all = append(all, name)
	}
	return all, directive
}
