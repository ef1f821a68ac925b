package main

import (
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// Programs that mien capture is told to start in scripts.

func saysVersion(version string) {
	if slices.Contains(os.Args, "--version") {
		fmt.Println("some start script's warning")
		fmt.Println(version)
		os.Exit(0)
	}
}

// crashingBrowser ends at once.
func crashingBrowser() {
	saysVersion("Chromium 1.2.3.4")
	fmt.Fprintln(os.Stderr, "cannot open display")
	os.Exit(139)
}

// hangingBrowser visits nothing, and ends when it is told to.
func hangingBrowser() {
	saysVersion("Chromium 1.2.3.4")
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM, os.Interrupt)
	<-told
}

func notABrowser() { saysVersion("curl 8.1.2 (x86_64)") }
