/* SPDX-License-Identifier: GPL-3.0-or-later */
/* criu_image.c - one of CRIU's images: its frame, and the records in it */
#include "source/criu_image.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/bytes.h"

/* In front of the kind; the first version of the format lacks it. */
#define MAGIC_IMAGE UINT32_C(0x54564319)

static struct bytes bytes_of(const struct criu_image *image)
{
	return (struct bytes){ image->data, image->size, 0 };
}

static struct error *check_magic(struct criu_image *image,
				 enum criu_image_magic magic)
{
	struct bytes b = bytes_of(image);
	uint32_t word;

	if (!bytes_u32(b, 0, &word) ||
	    (word == MAGIC_IMAGE && !bytes_u32(b, image->at += 4, &word)))
		return error_new(ERROR_BAD_INPUT, "%s: the image is truncated",
				 image->path);
	if (word != (uint32_t)magic)
		return error_new(ERROR_BAD_INPUT, "%s: not the image of CRIU "
				 "that the name promises (magic 0x%08" PRIx32
				 ")", image->path, word);
	image->at += 4;
	return NULL;
}

struct error *criu_image_load(const struct image_files *files,
			      const char *path, enum criu_image_magic magic,
			      struct criu_image *ret)
{
	struct error *err;

	*ret = (struct criu_image){ .path = strdup(path) };
	if (!ret->path)
		return &error_no_memory;
	err = image_files_load(files, path, CRIU_IMAGE_MAX, &ret->data,
			       &ret->size);
	if (!err)
		err = check_magic(ret, magic);
	if (err)
		criu_image_deinit(ret);
	return err;
}

void criu_image_deinit(struct criu_image *image)
{
	free(image->path);
	free(image->data);
	*image = (struct criu_image){ .path = NULL };
}

struct error *criu_image_next(struct criu_image *image,
			      const ProtobufCMessageDescriptor *type,
			      ProtobufCMessage **ret)
{
	struct bytes b = bytes_of(image);
	uint32_t size;

	*ret = NULL;
	if (image->at >= image->size)
		return NULL;
	if (!bytes_u32(b, image->at, &size) ||
	    !bytes_has(b, image->at + 4, size))
		return error_new(ERROR_BAD_INPUT, "%s: the image is truncated "
				 "at byte %zu", image->path, image->size);
	if (size > CRIU_RECORD_MAX)
		return error_new(ERROR_BAD_INPUT, "%s: a record of %" PRIu32
				 " bytes", image->path, size);
	*ret = protobuf_c_message_unpack(type, NULL, size,
					 b.data + image->at + 4);
	if (!*ret)
		return error_new(ERROR_BAD_INPUT, "%s: the record at byte %zu "
				 "makes no sense", image->path, image->at);
	image->at += 4 + (size_t)size;
	return NULL;
}

struct error *criu_image_only(const struct image_files *files,
			      const char *path, enum criu_image_magic magic,
			      const ProtobufCMessageDescriptor *type,
			      ProtobufCMessage **ret)
{
	struct criu_image image;
	struct error *err = criu_image_load(files, path, magic, &image);

	if (err)
		return err;
	err = criu_image_next(&image, type, ret);
	if (!err && !*ret)
		err = error_new(ERROR_BAD_INPUT, "%s: the image has no record",
				path);
	criu_image_deinit(&image);
	return err;
}
