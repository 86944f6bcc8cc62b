# A machine with Vestige and nothing else: docker build -t vestige . && docker run --rm -v "$PWD:/work" vestige fit table.csv
FROM python:3.12-slim
COPY pyproject.toml README.md LICENSE /source/
COPY src /source/src
RUN pip install --no-cache-dir /source && rm -r /source && useradd --create-home vestige
USER vestige
WORKDIR /work
ENTRYPOINT ["vestige"]
CMD ["--help"]
