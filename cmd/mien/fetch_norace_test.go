//go:build !race

package main

// raceEnabled tells tests that everything takes ten times as long.
const raceEnabled = false
