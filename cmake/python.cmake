# What goes into a wheel beside the files of python/pixelrnn/: the library, under one name, since wheels have no links.

set_property(TARGET pixelrnn_shared PROPERTY VERSION)
set_property(TARGET pixelrnn_shared PROPERTY SOVERSION)
install(TARGETS pixelrnn_shared LIBRARY DESTINATION pixelrnn COMPONENT python)
