// Package semaphore bounds how much happens at once: requests in flight,
// requests per host, TLS handshakes in progress.
//
// Every wait in it is FIFO, ends with the caller's context, and costs no
// goroutine. A slot is a value that its holder releases once; releasing it
// again does nothing, so every error path may release without asking.
//
//	slot, err := sem.Acquire(ctx)
//	if err != nil {
//		return err // a *QueueError: who holds the slots, and for how long
//	}
//	defer slot.Release()
//
// # Shortage on this machine
//
// Who opens a socket and gets EMFILE, ENFILE or EADDRNOTAVAIL calls
//
//	if width, first := sem.Shrink(time.Now(), 16); first {
//		logger.Warn("out of file descriptors or ports: fewer requests at once", "now", width)
//	}
//
// on the semaphore of all requests, and treats the error as one to retry. The
// width recovers by itself as time passes without such errors.
//
// # Starvation
//
// Starving says once per episode that a queue does not move. One timer for a
// semaphore is enough: who finds no slot free by TryAcquire starts it if it does
// not run, when it fires it asks
//
//	starving, again := sem.Starving(time.Now(), 10*time.Second)
//
// logs Stats and Ages if so, and runs again after again while anybody waits.
//
// # Limitations
//
// All holders and waiters of one Semaphore share one mutex, held for a few
// dozen instructions and never across a wait.
package semaphore
