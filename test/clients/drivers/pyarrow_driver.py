"""pyarrow's S3FileSystem: the AWS SDK for C++ behind a file system."""
import shutil

from driver import serve
from pyarrow import fs

MiB = 1024 * 1024


class Driver:
    def __init__(self, endpoint, caFile, region, bucket, accessKeyId, secretAccessKey):
        self.bucket = bucket
        scheme, host = endpoint.split('://')
        self.fs = fs.S3FileSystem(
            access_key=accessKeyId,
            secret_key=secretAccessKey,
            region=region,
            scheme=scheme,
            endpoint_override=host,
            **({'tls_ca_file_path': caFile} if caFile else {}),
        )

    def path(self, key):
        return f'{self.bucket}/{key}'

    def put(self, key, file, attributes):
        metadata = {'Content-Type': attributes['contentType']}
        with open(file, 'rb') as source, self.fs.open_output_stream(self.path(key), metadata=metadata) as target:
            while chunk := source.read(1 * MiB):
                target.write(chunk)

    # It sends parts as soon as it has been given more than one.
    putMultipart = put

    def get(self, key, file):
        with self.fs.open_input_stream(self.path(key)) as source, open(file, 'wb') as target:
            shutil.copyfileobj(source, target)
            told = dict(source.metadata())
        return {'contentType': str(told['Content-Type'], 'utf8'), 'etag': str(told['ETag'], 'utf8')}

    def head(self, key):
        info = self.fs.get_file_info(self.path(key))
        assert info.type == fs.FileType.File, info
        return {'sizeBytes': info.size}

    def list(self, prefix):
        selector = fs.FileSelector(self.path(prefix.rstrip('/')), recursive=True)
        found = self.fs.get_file_info(selector)
        return [info.path[len(self.bucket) + 1:] for info in found if info.type == fs.FileType.File]

    def copy(self, source, target):
        self.fs.copy_file(self.path(source), self.path(target))

    def delete(self, keys):
        for key in keys:
            self.fs.delete_file(self.path(key))


serve(Driver)
