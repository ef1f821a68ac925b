//go:build race

package h2

// raceEnabled tells tests that everything takes ten times as long.
const raceEnabled = true
