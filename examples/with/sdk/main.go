// Command sdk puts a session under the AWS SDK: S3 then sees Chrome's TLS and
// HTTP/2, and handshakes that die are made again before the SDK hears of them.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	origin, err := mientest.New(mientest.Config{ // in the place of S3
		Faults:  mientest.Faults{Handshake: mientest.HandshakeFaults{First: 2}},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "content of ", r.URL.Path) }),
	})
	if err != nil {
		return err
	}
	defer origin.Close()
	s, err := mien.New(mien.Config{
		TLS: origin.ClientTLS(),
		// The SDK repeats requests itself; what was not sent is the session's all the same.
		Retry: retry.Policy{MaxAttempts: 1},
	})
	if err != nil {
		return err
	}
	defer s.Close()

	client := s3.New(s3.Options{
		HTTPClient:   s.Client(), // with config.LoadDefaultConfig: config.WithHTTPClient(s.Client())
		BaseEndpoint: aws.String(origin.URL),
		Region:       "eu-central-1",
		UsePathStyle: true,
	})
	// A GET is a page unless somebody says that it is a fetch. The context reaches the session.
	ctx = mien.WithOptions(ctx, mien.Options{Destination: fingerprint.Empty})
	object, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String("key")})
	if err != nil {
		return err
	}
	defer object.Body.Close()
	content, err := io.ReadAll(object.Body)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s, after %d handshakes that died\n", content, origin.Counters().HandshakesKilled)
	for _, f := range origin.Requests()[0].Fields { // the SDK's own among them, User-Agent too
		fmt.Fprintf(out, "  %s: %s\n", f.Name, f.Value)
	}
	return nil
}
