package compat_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	own "github.com/mien-http/mien/retry"
)

func newS3(hc *http.Client, o *mientest.Origin) *s3.Client {
	return s3.New(s3.Options{
		Region:       s3Region,
		BaseEndpoint: aws.String(named(o)),
		UsePathStyle: true,
		// As config.LoadDefaultConfig has it.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,

		HTTPClient:  hc,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return s3Keys, nil }),
		Retryer:     retry.NewStandard(func(so *retry.StandardOptions) { so.Backoff = noWait{}; so.MaxAttempts = 3 }),
	})
}

// noWait has the SDK repeat at once.
type noWait struct{}

func (noWait) BackoffDelay(int, error) (time.Duration, error) { return 0, nil }

func onS3(t *testing.T, test func(t *testing.T, f *fakeS3, s *mien.Session, c *s3.Client)) {
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			f := newFakeS3()
			cfg := w.origin
			cfg.Handler = f
			o, s := newOrigin(t, cfg), newSession(t, mien.Config{Retry: own.Policy{Base: time.Millisecond}})
			defer func() {
				f.mu.Lock()
				defer f.mu.Unlock()
				for _, fault := range f.faults {
					t.Error(fault)
				}
			}()
			test(t, f, s, newS3(s.Client(), o))
		})
	}
}

func TestS3(t *testing.T) {
	onS3(t, func(t *testing.T, f *fakeS3, s *mien.Session, c *s3.Client) {
		ctx := timeout(t)
		bucket, key := aws.String("bucket"), aws.String("a key/with ü+&.bin")
		want := junk(3 << 20) // with Expect: 100-continue, which the SDK sends from 2 MiB on
		_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: bytes.NewReader(want), ContentType: aws.String("x/y")})
		check(t, err)

		out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key, ChecksumMode: types.ChecksumModeEnabled})
		check(t, err)
		got, err := io.ReadAll(out.Body) // an error if the checksum differs
		check(t, err)
		check(t, out.Body.Close())
		if !bytes.Equal(got, want) || aws.ToString(out.ETag) != `"e0"` {
			t.Errorf("got %d bytes of %d, ETag %v", len(got), len(want), aws.ToString(out.ETag))
		}

		out, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key, Range: aws.String("bytes=10-19")})
		check(t, err)
		if got, err = io.ReadAll(out.Body); err != nil || !bytes.Equal(got, want[10:20]) {
			t.Errorf("a range is %d bytes, %v", len(got), err)
		}
		check(t, out.Body.Close())

		var missing *types.NoSuchKey
		if _, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("none")}); !errors.As(err, &missing) {
			t.Errorf("a missing object is %v", err)
		}

		f.busy = 2
		_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("new")})
		check(t, err)
		if own := s.Stats().Retries; f.busy != 0 || own != 0 || string(f.objects["/bucket/"+*key]) != "new" {
			t.Errorf("after two 503: %d left, %d retries of the session", f.busy, own)
		}
	})
}

// TestS3Lost: where a connection ends without an answer, a GET is the session's
// to send again, and the SDK does all of it again. Content that the SDK gives
// cannot be read twice by the session, so a PUT is the SDK's alone.
func TestS3Lost(t *testing.T) {
	onS3(t, func(t *testing.T, f *fakeS3, _ *mien.Session, c *s3.Client) {
		f.cut = true
		_, err := c.PutObject(timeout(t), &s3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("k"), Body: strings.NewReader("x")})
		var e *mien.Error
		if !errors.As(err, &e) || !e.Sent {
			t.Errorf("PUT: %v", err)
		}
		if n := f.count("cut"); n != 3 {
			t.Errorf("PUT: %d requests, want 3", n)
		}
		_, err = c.GetObject(timeout(t), &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
		if !errors.As(err, &e) || f.count("cut") != 3+3*4 {
			t.Errorf("GET: %d requests, want 12: %v", f.count("cut")-3, err)
		}
	})
}

// TestS3Stream uploads what nobody knows the length of, in parts side by side.
func TestS3Stream(t *testing.T) {
	want := junk(5<<20 + 5)
	uploads := map[string]func(ctx context.Context, c *s3.Client, body io.Reader) error{
		"manager": func(ctx context.Context, c *s3.Client, body io.Reader) error {
			_, err := manager.NewUploader(c).Upload(ctx, &s3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("k"), Body: body}) //nolint:staticcheck // what most programs still use
			return err
		},
		"transfermanager": func(ctx context.Context, c *s3.Client, body io.Reader) error {
			up := transfermanager.New(c, func(o *transfermanager.Options) { o.PartSizeBytes, o.MultipartUploadThreshold = 5<<20, 5<<20 })
			_, err := up.UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: aws.String("b"), Key: aws.String("k"), Body: body})
			return err
		},
	}
	onS3(t, func(t *testing.T, f *fakeS3, s *mien.Session, c *s3.Client) {
		for name, upload := range uploads {
			before := f.count("part")
			clear(f.objects)
			check(t, upload(timeout(t), c, struct{ io.Reader }{bytes.NewReader(want)}))
			if f.count("part")-before != 2 || !bytes.Equal(f.objects["/b/k"], want) {
				t.Errorf("%s: %d bytes of %d arrived in %d parts", name, len(f.objects["/b/k"]), len(want), f.count("part")-before)
			}
		}

		buf := manager.NewWriteAtBuffer(make([]byte, 0, len(want)))                                                                     //nolint:staticcheck // see above
		n, err := manager.NewDownloader(c).Download(timeout(t), buf, &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("k")}) //nolint:staticcheck // see above
		if err != nil || n != int64(len(want)) || !bytes.Equal(buf.Bytes(), want) || f.count("get") != 2 {
			t.Errorf("downloaded %d bytes in %d parts, %v", n, f.count("get"), err)
		}
	})
}

// TestS3Cancel: an upload ends with its context, in the middle of a part.
func TestS3Cancel(t *testing.T) {
	onS3(t, func(t *testing.T, f *fakeS3, s *mien.Session, c *s3.Client) {
		ctx, cancel := context.WithCancel(timeout(t))
		body := io.MultiReader(bytes.NewReader(junk(1<<20)), readerFunc(func([]byte) (int, error) {
			cancel()
			<-ctx.Done()
			return 0, ctx.Err()
		}))
		_, err := manager.NewUploader(c).Upload(ctx, &s3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("k"), Body: body}) //nolint:staticcheck // see above
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v", err)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if len(f.objects) != 0 {
			t.Error("a cancelled upload made an object")
		}
	})
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
