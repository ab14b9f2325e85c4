/* SPDX-License-Identifier: GPL-3.0-or-later */
/* criu_image.h - one of CRIU's images: its frame, and the records in it */
#ifndef SIGFRAME_SOURCE_CRIU_IMAGE_H
#define SIGFRAME_SOURCE_CRIU_IMAGE_H

#include "source/criu_images.pb-c.h"
#include "source/imagefiles.h"

/* What the second word of an image says (criu/include/magic.h). */
enum criu_image_magic {
	CRIU_INVENTORY = 0x58313116,
	CRIU_PSTREE = 0x50273030,
	CRIU_CORE = 0x55053847,
	CRIU_MM = 0x57492820,
	CRIU_PAGEMAP = 0x56084025,
	CRIU_FILES = 0x56303138,
};

/* No image of one thread or process comes near. */
#define CRIU_IMAGE_MAX (256u << 20)
/* The largest record is that of a process with all the mappings it can have. */
#define CRIU_RECORD_MAX (16u << 20)

struct criu_image {
	char *path;		/* for messages */
	uint8_t *data;
	size_t size;
	size_t at;		/* the next record */
};

/*
 * Read an image of that kind, at most CRIU_IMAGE_MAX bytes. ERROR_GONE if it
 * is not there. All messages name it. criu_image_deinit() is due on success.
 */
struct error *criu_image_load(const struct image_files *files,
			      const char *path, enum criu_image_magic magic,
			      struct criu_image *ret) MUST_USE;
void criu_image_deinit(struct criu_image *image);

/*
 * The next record as a message of that type, which is to be freed with
 * protobuf_c_message_free_unpacked(); NULL behind the last one.
 * ERROR_BAD_INPUT if it is truncated, or no such message.
 */
struct error *criu_image_next(struct criu_image *image,
			      const ProtobufCMessageDescriptor *type,
			      ProtobufCMessage **ret) MUST_USE;

/* The only record; an error if there is none. */
struct error *criu_image_only(const struct image_files *files,
			      const char *path, enum criu_image_magic magic,
			      const ProtobufCMessageDescriptor *type,
			      ProtobufCMessage **ret) MUST_USE;

#endif
