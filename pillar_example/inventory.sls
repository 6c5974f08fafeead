# What differs from host to host, by module and minion id: it is believed before the CMDB is.
pushguide:
  inventory:
    shop-stock:
      stock1:
        base: /srv/tomcat/stock
        http_port: 8081
      stock2:
        base: /srv/tomcat/stock
        http_port: 8082
