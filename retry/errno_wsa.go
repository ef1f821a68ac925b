package retry

// Windows Sockets error codes, from "Windows Sockets Error Codes" in the
// Windows documentation (winsock2.h), and two that socket handles return from
// winerror.h. They are here for every platform so that every platform tests
// them.
const (
	errorNetnameDeleted = 64
	errorBrokenPipe     = 109
	wsaEACCES           = 10013
	wsaEMFILE           = 10024
	wsaEADDRINUSE       = 10048
	wsaEADDRNOTAVAIL    = 10049
	wsaENETDOWN         = 10050
	wsaENETUNREACH      = 10051
	wsaENETRESET        = 10052
	wsaECONNABORTED     = 10053
	wsaECONNRESET       = 10054
	wsaENOBUFS          = 10055
	wsaENOTCONN         = 10057
	wsaESHUTDOWN        = 10058
	wsaETIMEDOUT        = 10060
	wsaECONNREFUSED     = 10061
	wsaEHOSTDOWN        = 10064
	wsaEHOSTUNREACH     = 10065
	wsaEPROCLIM         = 10067
	wsaEDISCON          = 10101
)

// kindOfWSA is the twin of kindOfErrno for Windows Sockets.
func kindOfWSA(code uintptr) errnoKind {
	switch code {
	case wsaECONNRESET, wsaECONNABORTED, wsaENETRESET, wsaENOTCONN, wsaESHUTDOWN, wsaEDISCON,
		errorNetnameDeleted, errorBrokenPipe:
		return errnoReset
	case wsaECONNREFUSED:
		return errnoRefused
	case wsaEHOSTUNREACH, wsaENETUNREACH, wsaEHOSTDOWN, wsaENETDOWN, wsaEACCES:
		return errnoUnreachable
	case wsaETIMEDOUT:
		return errnoTimeout
	case wsaEMFILE, wsaEADDRNOTAVAIL, wsaEADDRINUSE, wsaENOBUFS, wsaEPROCLIM:
		return errnoLimit
	}
	return errnoNone
}
