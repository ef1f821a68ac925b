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
// # Limitations
//
// All holders and waiters of one Semaphore share one mutex, held for a few
// dozen instructions and never across a wait.
package semaphore
