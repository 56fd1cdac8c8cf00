/* The files that the images of an archive become in a folder. */
#ifndef PIXELRNN_CLI_COMMANDS_IMAGE_FILES_H
#define PIXELRNN_CLI_COMMANDS_IMAGE_FILES_H

#include <pixelrnn/pixelrnn.h>

typedef struct image_files {
    const char *folder;
    const prnn_archive *archive;
    uint64_t first, count;
    bool *numbered; /* of image `first` + i: another one's file has its name; NULL: of none */
} image_files;

/* Finds which of images first .. first+count-1 would have one file, such as a.jpg and a.jpg.png: one of them
 * keeps its name, the others get their number too, as does a file of the name of another one's folder.
 * `archive` and `folder` stay there until image_files_end, which also follows a failure. */
int image_files_begin(image_files *f, const prnn_archive *archive, uint64_t first, uint64_t count,
                      const char *folder);
void image_files_end(image_files *f);

/* The file of an image: its name, with .png behind it unless it is there, or its number; cut, where that
 * would be longer than the name of a file may be. Free with free(); NULL: no memory. */
char *image_files_path(const image_files *f, uint64_t index);

/* How many have a number for want of a name of their own. */
uint64_t image_files_numbered(const image_files *f);

#endif
