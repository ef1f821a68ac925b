//go:build !race

package semaphore

const underRace = false
