//go:build race

package semaphore

// underRace: the simulations have one goroutine, so that the race detector
// finds nothing in more of them, and its memory is bounded.
const underRace = true
