package augmenter

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"selfstream/schemas"
	"selfstream/stages/bucket"
)

const (
	maxGap   = 32 << 10 // bytes between two members of a tar that are read for nothing, rather than by another request
	maxRead  = 1 << 20  // bytes of a joint read
	maxJoint = 8 << 20  // bytes of all joint reads of a split
)

// read is one request for several members of a tar. It is made when the first
// of them is wanted, and its bytes stay until the last one has been used.
type read struct {
	tar         string
	begin, size int64

	once sync.Once
	data []byte
	info bucket.Info
	err  error
}

// join finds the images of a split that lie close to each other in a tar, and
// returns the joint read of each, by its id. Images that are read by themselves
// have none.
func join(images []schemas.Image) map[int64]*read {
	var members []schemas.Image
	for _, img := range images {
		if img.Tar > 0 && img.Size <= maxRead {
			members = append(members, img)
		}
	}
	slices.SortFunc(members, func(a, b schemas.Image) int {
		return cmp.Or(cmp.Compare(a.Key[:a.Tar], b.Key[:b.Tar]), cmp.Compare(a.Offset, b.Offset))
	})
	reads, left := map[int64]*read{}, int64(maxJoint)
	for len(members) > 0 {
		near := neighbours(members)
		first, last := members[0], members[near-1]
		size := last.Offset + last.Size - first.Offset
		if near > 1 && size <= left {
			left -= size
			r := &read{tar: first.Key[:first.Tar], begin: first.Offset, size: size}
			for _, img := range members[:near] {
				reads[img.ID] = r
			}
		}
		members = members[near:]
	}
	return reads
}

// neighbours is how many of the first members one read is for.
func neighbours(members []schemas.Image) int {
	first, end := members[0], members[0].Offset+members[0].Size
	for i, img := range members {
		next := img.Offset + img.Size
		if img.Key[:img.Tar] != first.Key[:first.Tar] || img.Offset-end > maxGap || next-first.Offset > maxRead {
			return i
		}
		end = max(end, next)
	}
	return len(members)
}

// part is one of the members.
func (r *read) part(ctx context.Context, from bucket.Getter, image schemas.Image) ([]byte, error) {
	r.once.Do(func() { r.data, r.info, r.err = from.GetRange(ctx, r.tar, r.begin, r.size) })
	if r.err != nil {
		return nil, r.err
	}
	begin := min(image.Offset-r.begin, int64(len(r.data)))
	data := r.data[begin:min(begin+image.Size, int64(len(r.data)))]
	return data, bucket.FileOf(image).Check(r.info, int64(len(data)))
}
