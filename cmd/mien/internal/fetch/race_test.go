//go:build race

package fetch

// raceEnabled tells tests that everything takes ten times as long.
const raceEnabled = true
